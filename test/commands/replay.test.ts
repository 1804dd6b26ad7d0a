import assert from 'node:assert/strict'
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import fc from 'fast-check'
import { selectionOf } from '../../src/commands/replay/selection.js'
import { LetterPartLedger } from '../../src/commands/replay/letter-part-ledger.js'
import { again } from '../../src/commands/replay/settle-replay.js'
import { toDeadLetter, truncate } from '../../src/dead-letter/dead-letter.js'
import { readDeadLetter } from '../../src/dead-letter/read-dead-letter.js'
import { reject, type Rejected } from '../../src/delivery/delivery.js'
import { decodeSettledRanges } from '../../src/delivery/settled-ranges.js'
import { EnrichdError } from '../../src/errors.js'
import { startFakeNlp, type FakeNlp } from '../support/fake-nlp.js'
import { sourceRecord } from '../support/source-record.js'
import { runCommand, type RunOptions } from './support/run-command.js'

const error = new EnrichdError('NLP_REJECTED', 'no', { kind: 'record' })
const rejected = (overrides: Parameters<typeof sourceRecord>[1] = {}, attempts = 3): Rejected =>
  reject(sourceRecord('{"message":"m"}', overrides), {
    reason: 'nlp-failed',
    stage: 'enrich',
    error,
    attempts,
  })

describe('a dead letter read back', () => {
  it('is the record that it was, with the same id and without headers of ours', () => {
    const headers = { traceparent: Buffer.from('00-x'), 'content-type': ['a', 'b'] }
    const { record } = rejected({ key: Buffer.from('k'), headers })
    const letter = readDeadLetter(toDeadLetter(rejected({ key: Buffer.from('k'), headers })))
    assert.deepEqual({ ...letter?.record, bytes: 0, lease: 0 }, { ...record, bytes: 0, lease: 0 })
    assert.deepEqual([letter?.reason, letter?.attempts, letter?.replays], ['nlp-failed', 3, 0])
  })

  it('of a file keeps its id, which its coordinates do not give', () => {
    const origin = { origin: 'file', id: '1700-12', topic: 'stdin', offset: 12 } as const
    const letter = readDeadLetter(toDeadLetter(rejected(origin)))
    assert.deepEqual([letter?.record.id, letter?.record.origin], ['1700-12', 'file'])
  })

  it('whose timestamp is more than a number holds (nanoseconds, say) keeps its id to the last digit', () => {
    const origin = { id: 'logs-0-7-1764000000123456789', timestampMs: Number('1764000000123456789') }
    const letter = toDeadLetter(rejected(origin))
    assert.equal(letter.headers['enrichd-id'], origin.id)
    const { record } = readDeadLetter(letter) ?? {}
    assert.deepEqual([record?.id, record?.origin, record?.offset], [origin.id, 'kafka', 7])
    assert.equal(record?.timestampMs, origin.timestampMs)
  })

  it('that was cut says how long it was; what is none of ours is none', () => {
    const cut = truncate(toDeadLetter(rejected()))
    assert.equal(readDeadLetter(cut)?.truncatedFromBytes, 15)
    assert.equal(readDeadLetter({ key: null, value: null, headers: {} }), undefined)
    const strange = { ...cut.headers, 'enrichd-reason': 'because' }
    assert.equal(readDeadLetter({ ...cut, headers: strange }), undefined)
  })

  it('rejected again has the attempts of all its lives, and its replays counted', () => {
    const first = readDeadLetter(toDeadLetter(rejected()))
    assert.ok(first)
    const second = readDeadLetter(toDeadLetter(again(rejected({}, 2), first)))
    assert.ok(second)
    assert.deepEqual([second.attempts, second.replays], [5, 1])
    assert.deepEqual(second.record.headers, {})
    const third = readDeadLetter(toDeadLetter(again(rejected({}, 1), second)))
    assert.deepEqual([third?.attempts, third?.replays], [6, 2])
  })
})

describe('a selection', () => {
  const letter = readDeadLetter(toDeadLetter(rejected()))
  const selects = (options: Parameters<typeof selectionOf>[0]) =>
    letter && selectionOf(options).selects(letter)

  it('is by reason, topic, time of the record, and the record itself', () => {
    assert.equal(selects({}), true)
    assert.equal(selects({ reason: ['undecodable', 'nlp-failed'], topic: ['logs'] }), true)
    assert.equal(selects({ reason: ['undecodable'] }), false)
    assert.equal(selects({ topic: ['other'] }), false)
    assert.equal(selects({ record: ['logs-0-7'] }), true)
    assert.equal(selects({ record: ['logs-0-7-1700000000000'] }), true)
    assert.equal(selects({ record: ['logs-0-70'] }), false)
    assert.equal(selects({ from: '2023-11-14T22:13:20', to: '2023-11-15' }), true)
    assert.equal(selects({ from: '1700000000000' }), true)
    assert.equal(selects({ to: '2023-11-14T22:13:20Z' }), false)
    assert.equal(selects({ from: '2023-11-15T00:00:00+01:00' }), false)
  })

  it('that makes no sense is wrong usage', () => {
    for (const options of [
      { reason: ['bad'] },
      { from: 'yesterday' },
      { to: '2023-13-01' },
      { from: '2024-01-02', to: '2024-01-01' },
      { record: ['logs-0-7', '7'] },
      { record: ['logs-0-'] },
    ])
      assert.throws(() => selectionOf(options), { code: 'USAGE' })
  })
})

describe('the trace', () => {
  it('of any number of runs holds exactly what was brought back, and never goes back', () => {
    const runs = fc.array(fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }), {
      minLength: 1,
      maxLength: 5,
    })
    fc.assert(
      fc.property(runs, fc.nat({ max: 30 }), (settledByRun, readTo) => {
        const expected = new Set<number>()
        let part = {
          topic: 't',
          partition: 0,
          earliest: 0,
          end: 30,
          tracedUpTo: 0,
          traced: [] as [number, number][],
        }
        for (const settles of settledByRun) {
          const ledger = new LetterPartLedger(part, 4096)
          const before = part.tracedUpTo
          for (let offset = part.tracedUpTo; offset < readTo; offset++) {
            const known = ledger.track(offset)
            assert.equal(known, expected.has(offset))
            if (known || settles[offset] !== true) continue
            ledger.settle(offset)
            expected.add(offset)
          }
          const trace = ledger.unsaved
          if (trace === undefined) continue
          ledger.saved(trace)
          assert.equal(ledger.unsaved, undefined)
          assert.ok(trace.offset >= before)
          const traced = decodeSettledRanges(trace.offset, trace.metadata).map(([a, b]): [number, number] => [
            a,
            b,
          ])
          part = { ...part, tracedUpTo: trace.offset, traced }
        }
        const held = Array.from({ length: 30 }, (_, at) => at).filter(
          (at) => at < part.tracedUpTo || part.traced.some(([from, to]) => at >= from && at < to),
        )
        assert.deepEqual(
          held,
          [...expected].sort((a, b) => a - b),
        )
      }),
    )
  })
})

interface Bed {
  readonly nlp: FakeNlp
  readonly letters: string
  run(args?: readonly string[], options?: RunOptions): ReturnType<typeof runCommand>
  documents(): Promise<Record<string, unknown>[]>
}

async function bed(
  t: TestContext,
  records: readonly Rejected[],
  settings: Record<string, string | number> = {},
): Promise<Bed> {
  const directory = await mkdtemp(join(tmpdir(), 'replay-'))
  const nlp = await startFakeNlp()
  t.after(async () => {
    await nlp.close()
    await rm(directory, { recursive: true })
  })
  const letters = join(directory, 'dead-letters.ndjson')
  const out = join(directory, 'out.ndjson')
  await writeFile(letters, records.map(lineOf).join(''))
  const all = {
    'source.type': 'stdin',
    'sink.type': 'file',
    'sink.path': out,
    'deadLetter.type': 'file',
    'deadLetter.path': letters,
    'nlp.url': nlp.url,
    'log.level': 'error',
    'nlp.retry.delayMs': 1,
    ...settings,
  }
  const documents = async () => {
    const text = await readFile(out, 'utf8').catch(() => '')
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  }
  return {
    nlp,
    letters,
    documents,
    run: (args = [], options = {}) => runCommand('replay', all, { ...options, args }),
  }
}

function lineOf(each: Rejected): string {
  const { key, value, headers } = toDeadLetter(each)
  return `${JSON.stringify({ key: key?.toString('base64') ?? null, value: value?.toString('base64') ?? null, headers })}\n`
}

const numbered = (count: number) =>
  Array.from({ length: count }, (_, offset) =>
    reject(sourceRecord(`{"message":"m${offset}"}`, { offset, id: `logs-0-${offset}-1700000000000` }), {
      reason: offset % 3 === 0 ? 'nlp-rejected' : 'nlp-failed',
      stage: 'enrich',
      error,
      attempts: 1,
    }),
  )

describe('replay of a file of dead letters', () => {
  it('counts them by reason and topic, and does nothing, with --dry-run', async (t) => {
    const { run, nlp, documents } = await bed(t, numbered(10))
    const { code, stdout } = await run(['--dry-run'])
    assert.equal(code, 0)
    assert.equal(
      stdout,
      '10 dead letters read, 10 would be brought back\n         6  nlp-failed  logs\n         4  nlp-rejected  logs\n',
    )
    assert.deepEqual([nlp.stats.requests, await documents()], [0, []])
    assert.match((await run(['--dry-run'])).stdout, /10 would be brought back/)
    assert.equal(
      (await run(['--dry-run', '--topic', 'logs', '--topic', 'lgos', '--topic', 'lgos'])).stdout
        .split('\n')
        .at(-2),
      'none of them is of the topic lgos',
    )
  })

  it('whose letters were all brought back does not say that there are none of the topic', async (t) => {
    const { run } = await bed(t, numbered(3))
    await run()
    assert.equal(
      (await run(['--topic', 'logs'])).stdout.replace(/\n\d+ indexed.*/, ''),
      '0 dead letters read, 0 selected\n3 were brought back before (--again takes them too)\n',
    )
  })

  it('brings the selected ones back, and leaves those out that it brought back before', async (t) => {
    const { run, documents } = await bed(t, numbered(10))
    const first = await run(['--reason', 'nlp-rejected'])
    assert.equal(first.code, 0, first.stderr)
    assert.match(first.stdout, /10 dead letters read, 4 selected\n.*\n4 indexed, 0 rejected again/)
    assert.deepEqual((await documents()).map(({ message }) => message).sort(), ['m0', 'm3', 'm6', 'm9'])
    assert.match((await run()).stdout, /6 selected\n(.*\n)*4 were brought back before/)
    assert.equal((await documents()).length, 10)
    assert.match((await run()).stdout, /^0 dead letters read, 0 selected\n10 were brought back before/)
    assert.match((await run(['--again', '--record', 'logs-0-5'])).stdout, /1 selected\n.*\n1 indexed/)
  })

  it('what is rejected again goes back once, with its attempts counted, and is not read again by the same run', async (t) => {
    const { run, nlp, letters, documents } = await bed(t, numbered(6))
    nlp.change({ status: 422 })
    const { code, stdout } = await run()
    assert.equal(code, 0)
    assert.match(stdout, /0 indexed, 6 rejected again and back among the dead letters/)
    assert.equal(nlp.stats.requests, 6)
    const lines = (await readFile(letters, 'utf8')).trimEnd().split('\n')
    assert.equal(lines.length, 12)
    const last = JSON.parse(lines.at(-1) ?? '') as { headers: Record<string, string> }
    assert.deepEqual([last.headers['enrichd-attempts'], last.headers['enrichd-replays']], ['2', '1'])
    nlp.change({})
    assert.match((await run()).stdout, /^6 dead letters read, 6 selected\n(.*\n)*6 indexed, 0 rejected/)
    assert.equal((await documents()).length, 6)
  })

  it('two letters of one record are one record', async (t) => {
    const { run, nlp } = await bed(t, [...numbered(4), ...numbered(4)])
    assert.match((await run()).stdout, /8 dead letters read, 4 selected/)
    assert.equal(nlp.stats.requests, 4)
    assert.match((await run()).stdout, /^0 dead letters read/)
  })

  it('a file that is not there, empty, or has other lines in it is no failure; a new one of the same name begins anew', async (t) => {
    const { run, letters } = await bed(t, [])
    assert.match((await run()).stdout, /^0 dead letters read, 0 selected/)
    await writeFile(letters, `not JSON\n{"other":1}\n${numbered(1).map(lineOf).join('')}{"half":`)
    assert.match((await run()).stdout, /^1 dead letter read, 1 selected/)
    await appendFile(letters, '1}\n')
    assert.match((await run()).stdout, /^0 dead letters read/)
    await writeFile(letters, numbered(5).map(lineOf).join(''))
    assert.match((await run()).stdout, /^5 dead letters read, 5 selected/)
  })

  it('a signal in the middle loses nothing: what was called is finished, the rest comes with the next run', async (t) => {
    const { run, nlp, documents } = await bed(t, numbered(50), { 'nlp.maxConcurrency': 2 })
    nlp.change({ latencyMs: 20 })
    const shutdown = new AbortController()
    const running = run([], { shutdown: shutdown.signal })
    while (nlp.stats.ok < 5) await new Promise((resolve) => setTimeout(resolve, 5))
    shutdown.abort(new Error('SIGTERM'))
    const { code, stdout } = await running
    assert.equal(code, 0)
    assert.match(stdout, /interrupted: what was not read comes with the next run|left for the next run/)
    const done = (await documents()).length
    assert.ok(done < 50 && done === nlp.stats.ok, `${done} documents, ${nlp.stats.ok} answers`)
    nlp.change({})
    assert.equal((await run()).code, 0)
    assert.equal((await documents()).length, 50)
    assert.equal(new Set(nlp.answered).size, nlp.answered.length, 'no call twice')
  })

  it('calls that hang are cut off by a second signal, with 75', async (t) => {
    const { run, nlp, documents } = await bed(t, numbered(5))
    nlp.change({ fault: 'hang' })
    const [shutdown, cutOff] = [new AbortController(), new AbortController()]
    const running = run([], { shutdown: shutdown.signal, cutOff: cutOff.signal })
    while (nlp.stats.inFlight < 5) await new Promise((resolve) => setTimeout(resolve, 5))
    shutdown.abort(new Error('SIGTERM'))
    cutOff.abort(new Error('SIGTERM'))
    assert.equal((await running).code, 75)
    nlp.change({})
    assert.match((await run()).stdout, /5 selected\n(.*\n)*5 indexed/)
    assert.equal((await documents()).length, 5)
  })

  it('wrong options are 2, an invalid configuration is 78', async (t) => {
    const { run } = await bed(t, [])
    assert.equal((await run(['--reason', 'bad'])).code, 2)
    assert.equal((await runCommand('replay', { 'nlp.timeoutMs': 'x' })).code, 78)
  })
})
