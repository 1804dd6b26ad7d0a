import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EnrichdError } from '../../src/errors.js'
import { tellMissingTopics } from '../../src/dead-letter/tell-missing-topics.js'
import { silentTelemetry } from '../../src/telemetry/silent-telemetry.js'
import { FakeClock } from '../support/fake-clock.js'

const topics = ['a.dead-letter', 'b.dead-letter', 'a.dead-letter']

async function told(
  answers: readonly (readonly string[] | Error)[],
  { draining = new AbortController().signal, clock = new FakeClock() } = {},
) {
  const warnings: unknown[] = []
  let asked = 0
  let closed = 0
  await tellMissingTopics({
    admin: {
      partitionCounts: () => {
        const answer = answers[asked++] ?? []
        return answer instanceof Error
          ? Promise.reject(answer)
          : Promise.resolve(new Map(answer.map((topic) => [topic, 1])))
      },
      close: () => {
        closed++
        return Promise.resolve()
      },
    },
    topics,
    telemetry: { ...silentTelemetry, warning: (event, _message, detail) => warnings.push([event, detail]) },
    draining,
    clock,
  })
  assert.equal(closed, 1)
  return { warnings, asked }
}

const away = new EnrichdError('KAFKA_UNREACHABLE', 'away', { kind: 'outage' })

describe('dead letter topics that are missing', () => {
  it('are told in one line, each once', async () => {
    const { warnings } = await told([['a', 'b', 'b.dead-letter']])
    assert.deepEqual(warnings, [['dead_letter.topic_missing', { topics: ['a.dead-letter'] }]])
  })

  it('are none where all are there', async () => {
    assert.deepEqual((await told([['a.dead-letter', 'b.dead-letter']])).warnings, [])
  })

  it('are looked for once Kafka answers, a second later', async () => {
    const clock = new FakeClock()
    const later = told([away, ['b.dead-letter']], { clock })
    await clock.pass(1000)
    const { warnings, asked } = await later
    assert.deepEqual([warnings.length, asked], [1, 2])
  })

  it('are neither looked for nor told once the drain begins', async () => {
    const drain = new AbortController()
    const clock = new FakeClock()
    const waiting = told([away], { draining: drain.signal, clock })
    const answered = told([['a']], { draining: drain.signal })
    drain.abort(new Error('SIGTERM'))
    assert.deepEqual(await waiting, { warnings: [], asked: 1 })
    assert.deepEqual(await answered, { warnings: [], asked: 1 })
    assert.equal(clock.timers, 0)
  })

  it('are no place to hide a mistake of ours', async () => {
    await assert.rejects(told([new TypeError('ours')]), TypeError)
  })
})
