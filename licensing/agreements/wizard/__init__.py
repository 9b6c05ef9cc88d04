"""The wizard: a draft agreement filled in by steps, each within what consent and rules leave."""
