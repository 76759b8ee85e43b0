"""The modes that a learner can choose for a course, and the page to choose one: the platform's app of this name."""
