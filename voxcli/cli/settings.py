"""What a command line says, checked and in one piece."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from voxcli.cli.backends import Wanted
from voxcli.pipeline import PipelineOptions
from voxcli.sources import MicrophoneOptions, SourceOptions


@dataclass(frozen=True, slots=True)
class Settings:
    """A run of transcription."""

    sources: tuple[str, ...]
    wanted: Wanted
    format: str
    files: tuple[Path, ...]
    interim: bool
    timestamps: bool
    strict: bool
    source_options: SourceOptions
    pipeline: PipelineOptions
    microphone: MicrophoneOptions | None = None
    """What to listen to, where the source is a microphone."""
    saved: Path | None = None
    """Where its audio is kept."""

    @property
    def several(self) -> bool:
        """Whether lines must say which source they are about."""
        return len(self.sources) > 1
