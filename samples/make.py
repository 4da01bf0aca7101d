"""Makes the speech in this folder, or checks it: ``python samples/make.py [--check]``.

Every sample is synthesised here from words written for this project, so that no one else has a right in it. Making
needs flite, espeak-ng, sox and ffmpeg (Debian: ``apt install flite espeak-ng sox ffmpeg``); checking needs nothing.
The tools repeat themselves byte for byte, but another version of one of them may write other bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
README = HERE / "README.md"
TOOLS = ("flite", "espeak-ng", "sox", "ffmpeg")
EDGE_SECONDS = 0.5
PAUSE_SECONDS = 0.4
EXACT = ("-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact", "-flags:v", "+bitexact")
VIDEO = ("-f", "lavfi", "-i", "color=c=navy:s=64x48:r=5")


@dataclass(frozen=True)
class Sample:
    """One file: who says what, and what ffmpeg (or sox) makes of the 16 kHz mono speech."""

    name: str
    format: str
    voice: str
    text: str
    encode: tuple[str, ...] = ()
    """Options of ffmpeg for the output; for .amr, which Debian's ffmpeg cannot write, options of sox."""

    @property
    def sentences(self) -> list[str]:
        return [line.strip() for line in self.text.strip().splitlines() if line.strip()]

    @property
    def transcript(self) -> str:
        """The words, one sentence a line."""
        return "".join(f"{sentence}\n" for sentence in self.sentences)

    @property
    def words(self) -> int:
        return len(self.transcript.split())


SAMPLES = (
    Sample(
        "harbour.wav",
        "WAV, 16-bit, 16 kHz, mono",
        "flite rms",
        """
        Nobody was awake when the boats came home.
        Before the clock struck ten, every fish had been sold.
        """,
        ("-ar", "16000", "-c:a", "pcm_s16le"),
    ),
    Sample(
        "station.wav",
        "WAV, 16-bit, 8 kHz, mono",
        "flite slt",
        """
        The train to the coast leaves from platform seven.
        Please keep your ticket until the end of the journey.
        """,
        ("-ar", "8000", "-c:a", "pcm_s16le"),
    ),
    Sample(
        "garden.flac",
        "FLAC, 16-bit, 44.1 kHz, stereo (the right channel at half the level)",
        "flite slt",
        """
        We planted beans along the old wall in April.
        In summer they climbed over the roof of the shed.
        """,
        ("-af", "pan=stereo|c0=c0|c1=0.5*c0", "-ar", "44100", "-c:a", "flac", "-sample_fmt", "s16"),
    ),
    Sample(
        "kitchen.mp3",
        "MP3, 64 kbit/s, 44.1 kHz, stereo",
        "flite rms",
        """
        Pour the milk in slowly and stir it all the time.
        When it begins to steam, take the pan away from the fire.
        """,
        ("-ar", "44100", "-ac", "2", "-c:a", "libmp3lame", "-b:a", "64k"),
    ),
    Sample(
        "letter.ogg",
        "Ogg Vorbis, 16 kHz, mono",
        "flite rms",
        """
        Dear Martha, thank you for the long letter and for the box of pears.
        They came on Tuesday, and by Friday there was not one of them left.
        You asked how we are getting on with the house, so I will tell you.

        The roof is finished at last.
        Two men from the village worked on it for nine days, and they sang from morning until evening.
        When the first heavy rain came in the night, I went from room to room with a lamp.
        I looked for wet places on the floor, but I did not find any.

        The kitchen is another story.
        The old stove smokes whenever the wind blows from the east, and here it nearly always blows from the east.
        Peter says that the chimney is too short.
        His brother says that it is too narrow.
        They have talked about it for a month, and in the meantime we eat cold bread and cheese.

        Last week we had visitors.
        A teacher and her class walked over the hill from the next valley to see the mill.
        The wheel has not turned for thirty years, but the children wanted to know how it worked.
        So Peter opened the little gate, and the water ran down the channel, and the wheel began to move.
        It made a terrible noise.
        The children cheered, and the ducks flew away and did not come back until dinner.

        In the afternoon we sat on the grass and counted the boats on the lake.
        One of the girls had a pair of field glasses, and she read the names to us.
        There was a blue boat with a white sail, and a very small one with no sail at all.
        An old man was rowing it, slowly, with a dog on the seat behind him.
        Nobody knew where he was going, and so everybody told a different story about him.

        The garden has given us more than we can use.
        There are onions hanging from every beam, and the cellar is full of apples.
        If you come in October, you can help us to make cider.
        The road is dry until the end of that month, and the evenings are still warm enough to sit outside.
        Bring good shoes and a heavy coat, and do not forget your violin.

        I must stop now, because the post goes at four and it is half past three.
        Give my love to your mother, and tell her that the roses are doing well.
        Write soon.
        """,
        ("-ar", "16000", "-c:a", "libvorbis", "-q:a", "2"),
    ),
    Sample(
        "meeting.m4a",
        "AAC in MP4, 44.1 kHz, mono (the index at the end, as phones write it)",
        "flite slt",
        """
        Let us begin with the budget for next year.
        The second point is the new office, and the third is lunch.
        """,
        ("-ar", "44100", "-c:a", "aac", "-b:a", "48k"),
    ),
    Sample(
        "lecture.webm",
        "WebM video (VP8) with Opus, 48 kHz, mono",
        "flite rms",
        """
        A river never takes the straight way to the sea.
        It bends because one side wears down faster than the other.
        """,
        ("-ar", "48000", "-c:a", "libopus", "-b:a", "32k", "-c:v", "libvpx", "-b:v", "20k", "-threads", "1"),
    ),
    Sample(
        "dictation.wma",
        "Windows Media Audio 2, 32 kbit/s, 22.05 kHz, mono",
        "flite slt",
        """
        Please send the letters to the second address.
        The first one is no longer right.
        """,
        ("-ar", "22050", "-c:a", "wmav2", "-b:a", "32k"),
    ),
    Sample(
        "voicemail.amr",
        "AMR narrow band, 8 kHz, mono",
        "flite rms",
        """
        I will be home a little later this evening.
        Please do not wait for me.
        """,
        ("-r", "8000", "-c", "1", "-C", "7"),
    ),
    Sample(
        "greeting-ko.wav",
        "WAV, 16-bit, 16 kHz, mono",
        "espeak-ng ko",
        """
        안녕하세요
        음성 인식
        내일
        """,
        ("-ar", "16000", "-c:a", "pcm_s16le"),
    ),
    Sample(
        "silent.mp4",
        "MP4 video (MPEG-4) without a sound track",
        "none",
        "",
        ("-an", "-t", "1", "-c:v", "mpeg4", "-q:v", "20"),
    ),
    Sample(
        "../voxcli/cli/checks/sample.flac",
        "FLAC, 16-bit, 16 kHz, mono (what `voxcli doctor` has recognized)",
        "flite rms",
        "The boats came home at ten.",
        ("-ar", "16000", "-c:a", "flac", "-sample_fmt", "s16"),
    ),
)


def main() -> int:
    """Makes or checks; the exit code."""
    parser = argparse.ArgumentParser(description="Make the speech samples, or check those that are here.")
    parser.add_argument("--check", action="store_true", help="compare the files with README.md and make nothing")
    if parser.parse_args().check:
        return check()
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        print(f"not installed: {', '.join(missing)} (apt install {' '.join(missing)})", file=sys.stderr)
        return 1
    try:
        lengths = [make(sample) for sample in SAMPLES]
    except subprocess.CalledProcessError as error:
        print(f"{error.cmd[0]} failed with exit code {error.returncode}: {' '.join(error.cmd)}", file=sys.stderr)
        return 1
    README.write_text(readme(lengths), encoding="utf-8")
    return check()


def check() -> int:
    """Compares every file with its sha256 in README.md and every transcript with the words above."""
    recorded = dict(re.findall(r"(?m)^\| `([^`]+)` .*`([0-9a-f]{64})` \|$", read(README) or ""))
    wrong = [f"{s.name}: not the file that README.md describes" for s in SAMPLES if recorded.get(s.name) != sha256(s)]
    wrong += [f"{transcript(s).name}: not what is said" for s in SAMPLES if read(transcript(s)) != s.transcript]
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


def make(sample: Sample) -> float:
    """Writes a sample and its transcript; how many seconds it lasts."""
    with tempfile.TemporaryDirectory() as folder:
        speech = Path(folder, "speech.wav")
        seconds = speak(sample, speech) if sample.sentences else 1.0
        command = sox(sample, speech) if sample.name.endswith(".amr") else ffmpeg(sample, speech)
        run(*command)
    transcript(sample).write_text(sample.transcript, encoding="utf-8")
    return seconds


def speak(sample: Sample, target: Path) -> float:
    """Says the sentences with pauses between them, as 16 kHz mono, with silence at both ends; its seconds."""
    said = [say(sample.voice, sentence, target.with_name("sentence.wav")) for sentence in sample.sentences]
    edge, pause = silence(EDGE_SECONDS), silence(PAUSE_SECONDS)
    audio = edge + pause.join(said) + edge
    with wave.open(str(target), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(audio)
    return len(audio) / 32_000


def say(voice: str, sentence: str, scratch: Path) -> bytes:
    """One sentence as linear16, 16 kHz, mono."""
    program, name = voice.split()
    if program == "flite":
        run("flite", "-voice", name, "-t", sentence, "-o", str(scratch))
    else:
        run("espeak-ng", "-v", name, "-s", "130", "-w", str(scratch), sentence)
    result = run("sox", "-D", str(scratch), "-t", "raw", "-e", "signed", "-b", "16", "-r", "16000", "-c", "1", "-")
    return result.stdout


def silence(seconds: float) -> bytes:
    """Nothing, as linear16, 16 kHz, mono."""
    return bytes(2 * round(seconds * 16_000))


def ffmpeg(sample: Sample, speech: Path) -> list[str]:
    """The command that encodes the speech, beside a plain picture for a video."""
    sound = ["-i", str(speech)] if sample.sentences else []
    picture = [*VIDEO] if sample.name.endswith((".webm", ".mp4")) else []
    target = [*sample.encode, *(["-shortest"] if sound and picture else []), *EXACT, str(HERE / sample.name)]
    return ["ffmpeg", "-hide_banner", "-loglevel", "error", "-y", *sound, *picture, *target]


def sox(sample: Sample, speech: Path) -> list[str]:
    """The command that encodes the speech as AMR."""
    return ["sox", "-D", str(speech), *sample.encode, "-t", "amr-nb", str(HERE / sample.name)]


def run(*command: str) -> subprocess.CompletedProcess[bytes]:
    """Runs a tool; raises CalledProcessError with its complaint already on stderr."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE)


def readme(lengths: list[float]) -> str:
    """README.md, with a row for each sample."""
    rows = [row(sample, seconds) for sample, seconds in zip(SAMPLES, lengths, strict=True)]
    return README_TEXT.format(rows="\n".join(rows))


def row(sample: Sample, seconds: float) -> str:
    """What README.md says of one sample."""
    origin = "made by `make.py`"
    cells = (f"`{sample.name}`", sample.format, f"{seconds:.1f} s", sample.voice, str(sample.words), origin)
    return f"| {' | '.join(cells)} | `{sha256(sample)}` |"


def transcript(sample: Sample) -> Path:
    """The file that holds the words of a sample."""
    return (HERE / sample.name).with_suffix(".txt")


def read(path: Path) -> str | None:
    """The text of a file, None if it is not there."""
    return path.read_text(encoding="utf-8") if path.exists() else None


def sha256(sample: Sample) -> str | None:
    """The digest of a sample as it is now, None if it is not there."""
    path = HERE / sample.name
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None


README_TEXT = """\
# Speech with known words

Everything here is synthetic speech, made by [`make.py`](make.py) from sentences written for this project: there is
no recording of a person in it, and it may be used for anything. What is said in `NAME.wav` (or `.flac`, `.ogg` ...)
is in `NAME.txt`, one sentence a line. There is half a second of silence at both ends and a pause between sentences.

`python samples/make.py --check` compares the files with this table; `python samples/make.py` makes them again, which
needs flite, espeak-ng, sox and ffmpeg.

| File | Format | Length | Voice | Words | Origin | sha256 |
|---|---|---|---|---|---|---|
{rows}

English is spoken by flite's `rms` and `slt`. Korean is spoken by espeak-ng: a recognizer understands that voice only
when it is given the list of words it may hear, so `greeting-ko.wav` is a test of plumbing and not of accuracy.
"""

if __name__ == "__main__":
    sys.exit(main())
