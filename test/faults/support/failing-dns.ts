import dns from 'node:dns'
import { existsSync } from 'node:fs'

/**
 * Loaded into a daemon under test: the name in `DNS_NAME` leads to this machine, and is not resolved while there is the file
 * that `DNS_FAILS_WHILE` names.
 */
const { DNS_NAME: ourName, DNS_FAILS_WHILE: file = '' } = process.env
const lookup = dns.lookup as (...args: unknown[]) => void

function failingLookup(...args: unknown[]): void {
  const [name, options] = args
  if (name !== ourName) {
    lookup(...args)
    return
  }
  const answer = args.at(-1) as (error: Error | null, ...found: unknown[]) => void
  const all = typeof options === 'object' && options !== null && 'all' in options && options.all === true
  process.nextTick(() => {
    if (existsSync(file)) {
      answer(Object.assign(new Error(`getaddrinfo EAI_AGAIN ${ourName}`), { code: 'EAI_AGAIN' }))
    } else if (all) {
      answer(null, [{ address: '127.0.0.1', family: 4 }])
    } else {
      answer(null, '127.0.0.1', 4)
    }
  })
}

Object.assign(dns, { lookup: failingLookup })
