"""What arrived lately, column by column, beside the table that a version was trained on."""
