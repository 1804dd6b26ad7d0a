import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { analyseText } from '../../src/nlp-engine/analyse-text.js'
import { createEmbeddedEngine, type EmbeddedEngineOptions } from '../../src/nlp-engine/embedded-engine.js'
import { EngineError } from '../../src/nlp-engine/engine-error.js'
import { labelledLines } from './support/measure-quality.js'
import { slowText } from './support/slow-text.js'

const engines = new Set<{ close(): Promise<void> }>()
function engineWith(options: EmbeddedEngineOptions): ReturnType<typeof createEmbeddedEngine> {
  const engine = createEmbeddedEngine({ workers: 1, ...options })
  engines.add(engine)
  return engine
}
const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'resolved',
    (error: unknown) => (error instanceof EngineError ? error.code : String(error)),
  )

describe('the embedded engine', () => {
  after(() => Promise.all([...engines].map((engine) => engine.close())))

  it('answers as analyseText does, in the order of the texts, over many messages', async () => {
    const engine = engineWith({ workers: 2 })
    const texts = labelledLines.map(({ text }) => text)
    const analyses = await engine.analyse(texts)
    assert.deepEqual(
      analyses,
      texts.map((text) => analyseText(text)),
    )
    assert.deepEqual(await engine.analyse([]), [])
    assert.deepEqual(engine.status(), { workers: 2, busyWorkers: 0, queuedTexts: 0 })
  })

  it('refuses a text that takes too long, and only that one, though it shares its worker with others', async () => {
    const engine = engineWith({ timeLimitMs: 300 })
    await engine.warmUp()
    const others = Array.from({ length: 60 }, (_, i) => engine.analyse([`from 10.0.0.${i}`]))
    const slow = engine.analyse(['fine', slowText]).then(
      () => undefined,
      (error: unknown) => error as EngineError,
    )
    const more = Array.from({ length: 60 }, (_, i) => engine.analyse([`from 10.0.1.${i}`]))
    const analyses = (await Promise.all([...others, ...more])).flat()
    assert.deepEqual(
      analyses.map(({ entities }) => entities[0]?.text),
      [0, 1].flatMap((net) => Array.from({ length: 60 }, (_, i) => `10.0.${net}.${i}`)),
    )
    const error = await slow
    assert.deepEqual({ code: error?.code, index: error?.index }, { code: 'text-too-slow', index: 1 })
    assert.equal((await engine.analyse(['10.0.0.1']))[0]?.entities.length, 1)
  })

  it('takes no more texts than may wait, and takes some again once there is room', async () => {
    const engine = engineWith({ maxQueuedTexts: 10 })
    const first = engine.analyse(['a'])
    const waiting = engine.analyse(Array.from({ length: 9 }, () => 'b'))
    assert.equal(await codeOf(engine.analyse(['c', 'd'])), 'queue-full')
    await Promise.all([first, waiting])
    assert.equal((await engine.analyse(['e'])).length, 1)
  })

  it('takes back on abort what no worker has begun with', async () => {
    const engine = engineWith({})
    const first = engine.analyse(['a'])
    const abort = new AbortController()
    const waiting = engine.analyse(['b'], abort.signal)
    abort.abort(new Error('changed my mind'))
    await assert.rejects(waiting, /changed my mind/)
    await assert.rejects(engine.analyse(['c'], abort.signal), /changed my mind/)
    await first
    assert.equal((await engine.analyse(['d'])).length, 1)
    assert.equal(engine.status().queuedTexts, 0)
  })

  it('finishes what it was given when it is closed, and refuses what comes later', async () => {
    const engine = engineWith({})
    const given = [engine.analyse(['10.0.0.1']), engine.analyse(['10.0.0.2', '10.0.0.3'])]
    const closed = engine.close()
    assert.equal(engine.close(), closed)
    assert.equal(await codeOf(engine.analyse(['late'])), 'closed')
    assert.deepEqual(
      (await Promise.all(given)).map((analyses) => analyses.length),
      [1, 2],
    )
    await closed
  })

  it('finds people with the option, in its workers', async () => {
    const engine = engineWith({ people: true })
    const [analysis] = await engine.analyse(['Mail from John Smith in Berlin'])
    assert.deepEqual(
      analysis?.entities.map(({ type }) => type),
      ['person', 'place'],
    )
  })

  it('refuses bounds that make no sense', () => {
    assert.throws(
      () => createEmbeddedEngine({ workers: 0 }),
      /RangeError: workers must be an integer from 1 to 256, not 0/,
    )
    assert.throws(() => createEmbeddedEngine({ timeLimitMs: 1.5 }), RangeError)
    assert.throws(() => createEmbeddedEngine({ maxQueuedTexts: 0 }), RangeError)
  })
})
