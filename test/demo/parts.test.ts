import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { valueDecoder } from '../../src/decode/decode-value.js'
import { loadConfig } from '../../src/config/load.js'
import { generator, programs, stackChoice, views } from './modules.js'

const endMs = Date.UTC(2026, 10, 22, 12)
const options = { seed: 1, endMs, records: 3000 }

describe('the logs of the demo', () => {
  test('are the same for the same seed, and others for another one', () => {
    assert.deepEqual(generator.generateLogs(options), generator.generateLogs(options))
    assert.notDeepEqual(generator.generateLogs({ ...options, seed: 2 }), generator.generateLogs(options))
  })

  test('are read by the daemon’s own decoder, each with service, level and a time within its hour; two are broken', () => {
    const environment = {
      ENRICHD_NLP_URL: 'embedded:',
      ENRICHD_SOURCE_TYPE: 'stdin',
      ENRICHD_SINK_TYPE: 'stdout',
    }
    const decode = valueDecoder(loadConfig({ environment }).config.decode)
    const services = new Set<unknown>()
    let broken = 0
    let traces = 0
    for (const { value } of generator.generateLogs(options).flat()) {
      const record = decodeOrNothing(decode, value)
      if (record === undefined) {
        broken++
        continue
      }
      services.add(record.fields['service'])
      assert.equal(typeof record.level, 'string')
      assert.ok(record.timeMs !== undefined && record.timeMs >= endMs - 3_600_000 && record.timeMs < endMs)
      if (record.message.includes('\n')) traces++
    }
    assert.equal(broken, 2)
    assert.equal(services.size, 6)
    assert.ok(traces > 10)
  })

  test('have bursts', () => {
    const counts = generator.generateLogs(options).map((minute) => minute.length)
    const sorted = counts.toSorted((a, b) => a - b)
    assert.equal(counts.length, 60)
    assert.ok(sorted.at(-1)! > 3 * sorted[30]!)
  })
})

function decodeOrNothing(decode: ReturnType<typeof valueDecoder>, value: string) {
  try {
    return decode(Buffer.from(value), endMs)
  } catch {
    return undefined
  }
}

describe('the stack of the demo', () => {
  const here = async (): Promise<undefined> => undefined
  const missing = (why: string) => async (): Promise<string> => why
  const kinds = async (given: Parameters<typeof stackChoice.stacksToTry>[0]): Promise<string[]> => {
    const found: string[] = []
    for await (const { kind, why } of stackChoice.stacksToTry(given)) found.push(`${kind}: ${why}`)
    return found
  }

  test('is real servers through Java, else in containers, else none, each with the reason', async () => {
    assert.match((await kinds({ java: here, docker: here }))[0] ?? '', /^java: .*are here/)
    assert.match(
      (await kinds({ java: missing('no Maven'), docker: here }))[0] ?? '',
      /^docker: no Maven; a Docker engine/,
    )
    assert.deepEqual(await kinds({ java: missing('no Maven'), docker: missing('no engine') }), [
      'embedded: no Maven; no engine',
    ])
  })

  test('that cannot be brought up is followed by the next one', async () => {
    const all = await kinds({ java: here, docker: here })
    assert.deepEqual(
      all.map((one) => one.split(':')[0]),
      ['java', 'docker', 'embedded'],
    )
  })

  test('that was asked for is the only one', async () => {
    assert.deepEqual(await kinds({ wanted: 'embedded', java: here, docker: here }), [
      'embedded: as you asked',
    ])
  })
})

test('settings and proxies of whoever runs the demo are kept from it', () => {
  const kept = programs.plainEnvironment({
    PATH: '/bin',
    ENRICHD_NLP_URL: 'x',
    HTTPS_PROXY: 'x',
    http_proxy: 'x',
    TZ: 'UTC',
  })
  assert.deepEqual(kept, { PATH: '/bin', TZ: 'UTC' })
})

test('documents of a file are counted as an index would count them', () => {
  const atMinute = (minute: number): string => new Date(endMs - 3_600_000 + minute * 60_000).toISOString()
  const host = (text: string): object => ({ text, type: 'host' })
  const view = views.documentsView(
    [
      { '@timestamp': atMinute(0), severity: 'low', service: 'gateway', entities: ['a', 'a', 'b'].map(host) },
      { '@timestamp': atMinute(5), severity: 'high', service: 'gateway', entities: [host('a')] },
      { '@timestamp': atMinute(59), severity: 'critical', service: 'payments', entities: [] },
    ],
    { fromMs: endMs - 3_600_000, toMs: endMs },
  )
  assert.equal(view.total, 3)
  assert.deepEqual(view.entities, [
    { name: 'a', count: 2, note: 'host' },
    { name: 'b', count: 1, note: 'host' },
  ])
  assert.equal(view.errors['gateway']?.[5], 1)
  assert.equal(view.errors['payments']?.[59], 1)
  assert.equal(view.documents.length, 2)
})
