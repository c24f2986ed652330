// Server-sent events by fetch: an EventSource cannot send the token.

export class Stream {
  #abort = null;
  #closed = false;

  // handler(name, data) for each event; state("live" | "lost" | "unknown") when the connection changes.
  constructor(url, token, handler, state) {
    this.#run(url, token, handler, state);
  }

  close() {
    this.#closed = true;
    this.#abort?.abort();
  }

  async #run(url, token, handler, state) {
    let pause = 500;
    while (!this.#closed) {
      // The server says something every five seconds; a silent connection is a dead one.
      this.#abort = new AbortController();
      let silence = setTimeout(() => this.#abort.abort(), 20000);
      try {
        const headers = token ? { Authorization: `Bearer ${token}` } : {};
        const response = await fetch(url, { headers, signal: this.#abort.signal, cache: "no-store" });
        if (response.status === 404) state("unknown");
        if (!response.ok) throw new Error(`status ${response.status}`);
        state("live");
        pause = 500;
        const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
        let text = "";
        for (;;) {
          const { value, done } = await reader.read();
          if (done) break;
          clearTimeout(silence);
          silence = setTimeout(() => this.#abort.abort(), 20000);
          text += value;
          let end;
          while ((end = text.indexOf("\n\n")) >= 0) {
            const block = text.slice(0, end);
            text = text.slice(end + 2);
            const name = /^event: (.*)$/m.exec(block)?.[1];
            const data = /^data: (.*)$/m.exec(block)?.[1];
            if (name && data && !this.#closed) handler(name, JSON.parse(data));
          }
        }
      } catch {
        // Told below.
      } finally {
        clearTimeout(silence);
        this.#abort.abort();
      }
      if (this.#closed) return;
      state("lost");
      await new Promise((resume) => setTimeout(resume, pause));
      pause = Math.min(pause * 2, 8000);
    }
  }
}
