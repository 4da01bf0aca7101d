/** Hands over what a microphone gives in blocks of a tenth of a second, at the rate of its context, one channel. */

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.block = this.emptyBlock();
    this.filled = 0;
    this.hasEnded = false;
    this.port.onmessage = () => this.end();
  }

  process([channels]) {
    if (this.hasEnded) return false;
    const length = channels[0]?.length ?? 128; // no channel: nothing is connected just now, and time goes on
    for (let index = 0; index < length; index += 1) {
      let sum = 0;
      for (const channel of channels) sum += channel[index];
      this.block[this.filled] = channels.length ? sum / channels.length : 0;
      this.filled += 1;
      if (this.filled === this.block.length) this.give();
    }
    return true;
  }

  end() {
    this.give();
    this.hasEnded = true;
    this.port.postMessage(null);
  }

  give() {
    const given = this.block.slice(0, this.filled);
    this.filled = 0;
    if (given.length) this.port.postMessage(given, [given.buffer]);
  }

  emptyBlock() {
    return new Float32Array(Math.round(sampleRate / 10));
  }
}

registerProcessor("capture", Capture);
