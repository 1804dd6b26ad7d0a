export interface CutText {
  readonly text: string
  readonly truncated: boolean
}

const loneSurrogates = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

/**
 * The text as it is sent: at most `maxBytes` of UTF-8, cut at a code point, and well-formed, since half a surrogate pair is no
 * UTF-8: it becomes U+FFFD, which is one UTF-16 unit too, so offsets stay right.
 */
export function cutText(message: string, maxBytes: number): CutText {
  // No character takes more than three bytes per UTF-16 unit, so most texts need no count.
  const fits = message.length * 3 <= maxBytes || Buffer.byteLength(message) <= maxBytes
  const text = fits ? message : head(message, maxBytes)
  return {
    text: /[\ud800-\udfff]/.test(text) ? text.replace(loneSurrogates, '\ufffd') : text,
    truncated: !fits,
  }
}

function head(message: string, maxBytes: number): string {
  // Every unit takes one byte at least: nothing behind this can fit, and a huge message is not encoded whole.
  const bytes = Buffer.from(message.slice(0, maxBytes))
  let end = Math.min(maxBytes, bytes.length)
  while (end > 0 && end < bytes.length && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--
  return bytes.toString('utf8', 0, end)
}
