"""What operators need beside the two flows: retention, retirement, removal, figures, the schema."""
