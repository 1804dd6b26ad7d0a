import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { NlpStub } from './support/nlp-stub.js'

let stub: NlpStub
before(async () => {
  stub = await NlpStub.start()
})
after(() => stub.stop())

function ask(body: object): Promise<Response> {
  return fetch(stub.url, { method: 'POST', body: JSON.stringify(body) })
}

test('the NLP stub answers one text with one analysis, and several with as many', async () => {
  await stub.behave({})
  assert.equal(((await (await ask({ text: 'disk full' })).json()) as { severity: string }).severity, 'high')
  const { results } = (await (await ask({ texts: ['a', 'b', 'c'] })).json()) as { results: unknown[] }
  assert.equal(results.length, 3)
  const { answered, texts } = await stub.stats()
  assert.deepEqual({ answered, texts }, { answered: 2, texts: 4 })
})

test('the NLP stub rejects calls beyond its capacity, and only those', async () => {
  await stub.behave({ latencyMs: 200, capacity: 2, rejectStatus: 503 })
  const answers = await Promise.all([1, 2, 3, 4, 5].map((each) => ask({ text: String(each) })))
  assert.deepEqual(answers.map(({ status }) => status).toSorted(), [200, 200, 503, 503, 503])
  const { rejected, maxInFlight } = await stub.stats()
  assert.deepEqual({ rejected, maxInFlight }, { rejected: 3, maxInFlight: 2 })
})

test('the NLP stub adds up the time that calls are in flight', async () => {
  await stub.behave({ latencyMs: 100 })
  await Promise.all([ask({ text: 'a' }), ask({ text: 'b' })])
  const { busyMs, p50Ms } = await stub.stats()
  assert.ok(busyMs >= 199, `${busyMs} ms for two calls of 100 ms`)
  assert.ok(p50Ms >= 99, `${p50Ms} ms for calls of 100 ms`)
  assert.equal(Math.round((await stub.stats()).busyMs), Math.round(busyMs), 'it stands still without calls')
})
