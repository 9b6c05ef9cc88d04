"""Where models come from: datasets, lineage, contamination, trainings, answers."""

from . import answers, contaminations, datasets, nodes, trainings

__all__ = ["answers", "contaminations", "datasets", "nodes", "trainings"]
