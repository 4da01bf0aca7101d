"""The whole program: source -> ring -> recognizer -> transcript -> renderer."""

from voxcli.pipeline.feed import Feed
from voxcli.pipeline.pipeline import Outcome, Pipeline, PipelineOptions
from voxcli.pipeline.stop import Stop, Stopped

__all__ = ["Feed", "Outcome", "Pipeline", "PipelineOptions", "Stop", "Stopped"]
