"""Plans kept: gathered, solved in the background, compared, asked for, and told to a scenario."""
