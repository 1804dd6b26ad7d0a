/** Reads one place of a JSON value; `undefined` where there is nothing. */
export type ReadPointer = (value: unknown) => unknown

/**
 * Compiles a JSON pointer (RFC 6901): `''` is the whole value, `/a/0/b~1c` walks objects and arrays. Only own properties
 * are seen.
 * @throws TypeError if `pointer` is neither empty nor begins with `/`.
 */
export function jsonPointer(pointer: string): ReadPointer {
  if (pointer === '') return (value) => value
  if (!pointer.startsWith('/')) {
    throw new TypeError(`a JSON pointer is empty or begins with "/": ${JSON.stringify(pointer)}`)
  }
  const tokens = pointer
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
  return (value) => {
    let at: unknown = value
    for (const token of tokens) {
      if (typeof at !== 'object' || at === null || !Object.hasOwn(at, token)) return undefined
      at = (at as Readonly<Record<string, unknown>>)[token]
    }
    return at
  }
}
