import { endOfRows } from "./Format.ts"

/** The stream ends where it must not: the backup was cut off. */
export class CutOff extends Error {}

const nothing = Buffer.alloc(0)
const newline = 10

/** Reads a backup piece by piece; what it holds at a time is bounded. */
export class Reader {
  private held: Buffer = nothing
  private readonly source: AsyncIterator<Uint8Array>

  constructor(source: AsyncIterable<Uint8Array>) {
    this.source = source[Symbol.asyncIterator]()
  }

  private async more(): Promise<void> {
    const { done, value } = await this.source.next()
    if (done === true) throw new CutOff()
    this.held = this.held.length === 0 ? Buffer.from(value) : Buffer.concat([this.held, value])
  }

  async line(): Promise<Buffer> {
    for (;;) {
      const end = this.held.indexOf(newline)
      if (end >= 0) return this.take(end + 1)
      await this.more()
    }
  }

  /** Whole rows, some `bytes` of them; none once the table is at its end. */
  async rows(bytes: number): Promise<Buffer> {
    for (;;) {
      if (this.held.subarray(0, endOfRows.length).equals(endOfRows)) {
        this.take(endOfRows.length)
        return nothing
      }
      const end = this.held.indexOf(`\n${endOfRows.toString()}`)
      if (end >= 0) return this.take(end + 1)
      const whole = this.held.lastIndexOf(newline) + 1
      if (whole >= bytes) return this.take(whole)
      await this.more()
    }
  }

  private take(length: number): Buffer {
    const taken = this.held.subarray(0, length)
    this.held = this.held.subarray(length)
    return taken
  }
}
