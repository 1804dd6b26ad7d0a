/**
 * Settled offsets beyond the committed one, small enough for the metadata of a commit: after a crash or a rebalance the
 * next owner skips them instead of paying for them twice. The idea is Confluent's Parallel Consumer's; the form is ours.
 *
 * `e1:` and base64url of unsigned LEB128 numbers: for each range its distance from the end of the one before (the first
 * from the committed offset), then its length.
 */
const PREFIX = 'e1:'

/** A range [from, to) of offsets. */
export type OffsetRange = readonly [from: number, to: number]

/**
 * Ranges (ascending, disjoint, beyond `committed`) as text of at most `maxBytes` bytes; ranges that do not fit are left
 * out from the far end, so that less is remembered and nothing wrong. '' where none fit.
 */
export function encodeSettledRanges(
  committed: number,
  ranges: readonly OffsetRange[],
  maxBytes: number,
): string {
  const room = Math.max(0, Math.floor(((maxBytes - PREFIX.length) * 3) / 4))
  const bytes = Buffer.allocUnsafe(room)
  let length = 0
  let end = committed
  for (const [from, to] of ranges) {
    if (length + leb128Length(from - end) + leb128Length(to - from) > room) break
    length = writeLeb128(bytes, length, from - end)
    length = writeLeb128(bytes, length, to - from)
    end = to
  }
  return length === 0 ? '' : PREFIX + bytes.toString('base64url', 0, length)
}

/**
 * The ranges again. Metadata of another writer, cut short or damaged, gives no ranges: what is not known to be settled
 * is read again, which is always safe.
 */
export function decodeSettledRanges(committed: number, metadata: string | null | undefined): OffsetRange[] {
  if (typeof metadata !== 'string' || !metadata.startsWith(PREFIX)) return []
  const numbers = readLeb128(Buffer.from(metadata.slice(PREFIX.length), 'base64url'))
  if (numbers === undefined || numbers.length % 2 !== 0) return []
  const ranges: OffsetRange[] = []
  let end = committed
  for (let at = 0; at < numbers.length; at += 2) {
    const from = end + (numbers[at] ?? 0)
    end = from + (numbers[at + 1] ?? 0)
    if (!Number.isSafeInteger(end) || end <= from) return []
    ranges.push([from, end])
  }
  return ranges
}

function leb128Length(value: number): number {
  let length = 1
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length++
  return length
}

/** @returns where the number ends */
function writeLeb128(bytes: Buffer, at: number, value: number): number {
  let end = at
  let rest = value
  while (rest >= 0x80) {
    bytes[end++] = (rest % 0x80) | 0x80
    rest = Math.floor(rest / 0x80)
  }
  bytes[end++] = rest
  return end
}

function readLeb128(bytes: Buffer): number[] | undefined {
  const numbers: number[] = []
  let value = 0
  let scale = 1
  let open = false
  for (const byte of bytes) {
    value += (byte & 0x7f) * scale
    open = byte >= 0x80
    scale *= 0x80
    if (value > Number.MAX_SAFE_INTEGER) return undefined
    if (open) continue
    numbers.push(value)
    value = 0
    scale = 1
  }
  return open ? undefined : numbers
}
