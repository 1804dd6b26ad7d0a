const surrogate = /[\ud800-\udfff]/

/** Turns an offset in code points into one in UTF-16 units. */
export type ToUtf16Offset = (codePoints: number) => number

const same: ToUtf16Offset = (offset) => offset

/**
 * For services that count code points (Python): how their offsets in `text` become ours. An offset outside the text stays
 * outside. Texts without surrogates, nearly all, cost one scan.
 */
export function fromCodePoints(text: string): ToUtf16Offset {
  if (!surrogate.test(text)) return same
  const starts: number[] = []
  let units = 0
  for (const point of text) {
    starts.push(units)
    units += point.length
  }
  starts.push(units)
  return (offset) => starts[offset] ?? (offset < 0 ? offset : text.length + 1)
}
