"""The whole program: source -> ring -> recognizer -> transcript -> renderer."""

from voxcli.pipeline.conditions import Limits
from voxcli.pipeline.feed import Feed
from voxcli.pipeline.pipeline import Outcome, Pipeline, PipelineOptions
from voxcli.pipeline.stop import Stop, Stopped

__all__ = ["Feed", "Limits", "Outcome", "Pipeline", "PipelineOptions", "Stop", "Stopped"]
