/** The few shapes of ASN.1 DER that a certificate needs. */

const lengthOf = (size: number): Buffer => {
  if (size < 0x80) return Buffer.of(size)
  const bytes: Array<number> = []
  for (let rest = size; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return Buffer.of(0x80 + bytes.length, ...bytes)
}

const element = (tag: number, ...parts: ReadonlyArray<Buffer>): Buffer => {
  const content = Buffer.concat(parts)
  return Buffer.concat([Buffer.of(tag), lengthOf(content.length), content])
}

export const sequence = (...parts: ReadonlyArray<Buffer>): Buffer => element(0x30, ...parts)
export const set = (...parts: ReadonlyArray<Buffer>): Buffer => element(0x31, ...parts)
export const utf8String = (text: string): Buffer => element(0x0c, Buffer.from(text, "utf8"))
export const bitString = (bytes: Buffer): Buffer => element(0x03, Buffer.of(0), bytes)

export const octetString = (content: Buffer): Buffer => element(0x04, content)
/** An element in a numbered place of its own around it. */
export const explicit = (place: number, content: Buffer): Buffer => element(0xa0 + place, content)
/** A host name among a certificate's alternative names. */
export const dnsName = (name: string): Buffer => element(0x82, Buffer.from(name, "ascii"))

/** A positive number from its bytes, as short as DER wants it: a leading zero only where the sign bit needs one. */
export const integer = (bytes: Buffer): Buffer => {
  const start = bytes.findIndex((byte) => byte !== 0)
  const short = start < 0 ? Buffer.of(0) : bytes.subarray(start)
  return element(0x02, (short[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), short]) : short)
}

/** `YYMMDDhhmmssZ`. */
export const utcTime = (text: string): Buffer => element(0x17, Buffer.from(text, "ascii"))

/** An object identifier of dotted numbers. */
export const oid = (dotted: string): Buffer => {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number)
  const bytes = rest.flatMap((arc) => {
    const groups = [arc % 128]
    for (let high = Math.floor(arc / 128); high > 0; high = Math.floor(high / 128)) groups.unshift(0x80 + (high % 128))
    return groups
  })
  return element(0x06, Buffer.of(first * 40 + second, ...bytes))
}
