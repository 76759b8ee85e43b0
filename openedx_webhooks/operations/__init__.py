"""What operators need beside the two flows: health, statistics, replay."""
