"""What to do: the cap that pays most, the title that breaks even, mending or shooting again."""
