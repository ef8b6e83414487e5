"""Who seals models here, whose seals count, and what a person approves."""
