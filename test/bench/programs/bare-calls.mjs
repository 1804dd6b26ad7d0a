import { Client } from 'undici'

/**
 * The bound of the latency-bound regime: C loops that do nothing but call, one undici connection each.
 * Arguments: URL, C. It ends when its standard input does.
 */
const [url, concurrency] = process.argv.slice(2)
const { origin, pathname } = new URL(url)
const request = {
  method: 'POST',
  path: pathname,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({
    text: 'slow query on replica 10.4.2.7 took 1200ms, plan cache miss for orders_by_customer',
  }),
}

/** undici takes what is thrown in a handler as the call's failure. */
function fail(error) {
  console.error(error)
  process.exit(1)
}

function loop() {
  const client = new Client(origin, { pipelining: 1, headersTimeout: 0, bodyTimeout: 0 })
  const call = () => client.dispatch(request, handler)
  const handler = {
    onRequestStart() {},
    onResponseStart(_controller, status) {
      if (status !== 200) fail(new Error(`the NLP service answered ${status}`))
    },
    onResponseData() {},
    onResponseEnd: call,
    onResponseError(_controller, error) {
      fail(error)
    },
  }
  call()
}

for (let each = 0; each < Number(concurrency); each++) loop()
process.stdin.on('end', () => process.exit(0)).resume()
