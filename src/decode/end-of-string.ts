const backslash = 92

/**
 * Where the quoted string that begins at `start` ends: the next quote with an even number of backslashes before it, or -1.
 * By jumps from quote to quote: linear, and no regular expression whose stack a long string could exhaust.
 */
export function endOfString(text: string, start: number): number {
  let end = start
  let backslashes: number
  do {
    end = text.indexOf('"', end + 1)
    backslashes = 0
    while (text.charCodeAt(end - 1 - backslashes) === backslash) backslashes++
  } while (backslashes % 2 === 1)
  return end
}
