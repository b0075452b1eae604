import { closeSync, existsSync, fsyncSync, openSync, readSync, renameSync, writeSync } from "node:fs"
import { endianness } from "node:os"
import { basename, dirname, join } from "node:path"

/** Of SQLite's log. Source: sqlite.org/fileformat2.html#walformat. */
const magic = endianness() === "BE" ? 0x377f0683 : 0x377f0682
const formatVersion = 3_007_000
const headerBytes = 32
const frameHeaderBytes = 24
const pageBytes = 4096
const frameBytes = frameHeaderBytes + pageBytes
const summedOfHeader = 24
const summedOfFrame = 8
const saltsAt = { header: 16, frame: 8 }
const sumAt = { header: 24, frame: 16 }

/** Two 32-bit halves. */
type Sum = readonly [number, number]
const none: Sum = [0, 0]

/** SQLite's checksum goes on from what was before; in the order of bytes that this machine writes. */
const sumOf = (bytes: Buffer, [first, second]: Sum): Sum => {
  let a = first
  let b = second
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
  for (let i = 0; i < words.length; i += 2) {
    a = (a + (words[i] ?? 0) + b) >>> 0
    b = (b + (words[i + 1] ?? 0) + a) >>> 0
  }
  return [a, b]
}

const sumOfFrame = (frame: Buffer, before: Sum): Sum =>
  sumOf(frame.subarray(frameHeaderBytes), sumOf(frame.subarray(0, summedOfFrame), before))

const readSum = (bytes: Buffer, at: number): Sum => [bytes.readUInt32BE(at), bytes.readUInt32BE(at + 4)]
const isSame = (one: Sum, other: Sum): boolean => one[0] === other[0] && one[1] === other[1]

const seal = (bytes: Buffer, at: number, [first, second]: Sum): void => {
  bytes.writeUInt32BE(first, at)
  bytes.writeUInt32BE(second, at + 4)
}

interface Frame {
  /** The same in all frames since the log began anew. */
  readonly salts: bigint
  /** Of the whole file, in a frame that ends a commit; 0 in others. */
  readonly pages: number
  /** Its checksum is that of its content after the frame before it. */
  readonly follows: boolean
}

interface Log {
  readonly header: Buffer
  readonly salts: bigint | undefined
  readonly frames: ReadonlyArray<Frame>
  /** So many frames are replayed by SQLite: up to the first that is not what was written. */
  readonly replayed: number
}

/** Memory that 32-bit words can be read from. */
const aligned = (bytes: number): Buffer => Buffer.from(new ArrayBuffer(bytes))

const eachFrame = (file: number, use: (frame: Buffer) => void): void => {
  const frame = aligned(frameBytes)
  for (let at = headerBytes; readSync(file, frame, 0, frameBytes, at) === frameBytes; at += frameBytes) use(frame)
}

const readLog = (file: number): Log => {
  const header = aligned(headerBytes)
  readSync(file, header, 0, headerBytes, 0)
  let sum = readSum(header, sumAt.header)
  let salts = header.readBigUInt64BE(saltsAt.header)
  // Nothing but zeros adds up too.
  const headerIsSound = header.readUInt32BE(0) === magic && isSame(sumOf(header.subarray(0, summedOfHeader), none), sum)
  const frames: Array<Frame> = []
  eachFrame(file, (bytes) => {
    const before = { sum, salts }
    sum = readSum(bytes, sumAt.frame)
    salts = bytes.readBigUInt64BE(saltsAt.frame)
    const follows = salts === before.salts && isSame(sumOfFrame(bytes, before.sum), sum)
    frames.push({ salts, pages: bytes.readUInt32BE(4), follows })
  })
  const firstBad = frames.findIndex(({ follows }) => !follows)
  return {
    header,
    salts: headerIsSound
      ? header.readBigUInt64BE(saltsAt.header)
      : frames.find((frame, i) => frame.salts !== 0n && frames[i + 1]?.follows === true)?.salts,
    frames,
    replayed: !headerIsSound ? 0 : firstBad === -1 ? frames.length : firstBad,
  }
}

/**
 * What follows on a commit was written after that commit had reached the disk. Where it lies behind the place where
 * replay ends, that place is no torn end, as a power cut leaves it, but damage.
 */
const isDamaged = ({ frames, replayed, salts }: Log): boolean =>
  frames.some((frame, i) => i > replayed && frame.follows && frame.salts === salts && frames[i - 1]?.pages !== 0)

const withFile = <A>(path: string, flags: "r" | "w", use: (file: number) => A): A => {
  const file = openSync(path, flags)
  try {
    return use(file)
  } finally {
    closeSync(file)
  }
}

/**
 * Whether a log holds commits that SQLite would pass over without a word: it replays as far as the first bit that is
 * wrong. Wrong bits in the last commit alone look like one that the power did not let finish.
 */
export const isLogDamaged = (path: string): boolean => existsSync(path) && isDamaged(withFile(path, "r", readLog))

/** A page with no rows in it, only the ways to others: one that leads astray costs less than an older one. */
const leadsOnly = (frame: Buffer): boolean => frame[frameHeaderBytes] === 5

const writeSealed = (from: number, to: number, { frames, header, replayed, salts = 0n }: Log): void => {
  header.writeUInt32BE(magic, 0)
  header.writeUInt32BE(formatVersion, 4)
  header.writeUInt32BE(pageBytes, 8)
  header.writeBigUInt64BE(salts, saltsAt.header)
  let sum = sumOf(header.subarray(0, summedOfHeader), none)
  seal(header, sumAt.header, sum)
  writeSync(to, header)
  const pages = frames.findLast((frame) => frame.follows && frame.salts === salts && frame.pages > 0)?.pages ?? 0
  let i = 0
  eachFrame(from, (bytes) => {
    const { follows = false, salts: ofFrame } = frames[i] ?? {}
    if (ofFrame === salts && (i < replayed || follows || leadsOnly(bytes))) {
      // The first page says how many there are: an older one would hide the last.
      if (bytes.readUInt32BE(0) === 1) bytes.writeUInt32BE(pages, frameHeaderBytes + 28)
      sum = sumOfFrame(bytes, sum)
      seal(bytes, sumAt.frame, sum)
      writeSync(to, bytes)
    }
    i += 1
  })
  fsyncSync(to)
}

/** Lets SQLite replay all of a damaged log but the rows in pages that are not what was written. */
export const mendLog = (path: string): void => {
  if (!existsSync(path)) return
  const mended = join(dirname(path), `mended-${basename(path)}`)
  withFile(path, "r", (from) => {
    const log = readLog(from)
    if (!isDamaged(log)) return
    withFile(mended, "w", (to) => {
      writeSealed(from, to, log)
    })
    renameSync(mended, path)
  })
}
