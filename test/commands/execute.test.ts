import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, test } from 'node:test'
import type { Command, CommandContext } from '../../src/commands/command.js'
import { execute } from '../../src/commands/execute.js'
import { UsageError } from '../../src/commands/usage-error.js'
import { EnrichdError } from '../../src/errors.js'

interface Seen {
  code?: number
  context?: CommandContext
  stdout: string
  stderr: string
}

/** Executes a command line against commands of the test's own. */
async function seen(
  args: readonly string[],
  run: Command['run'] = () => Promise.resolve(0),
  { signal } = new AbortController(),
): Promise<Seen> {
  const result: Seen = { stdout: '', stderr: '' }
  const record = (context: CommandContext) => {
    result.context = context
    return run(context)
  }
  const commands: readonly [Command, ...Command[]] = [
    { name: 'first', summary: 'the default', run: record },
    {
      name: 'second',
      summary: 'takes arguments',
      drains: true,
      positionals: '[RECORD]',
      options: {
        'dry-run': { type: 'boolean', doc: 'only counts' },
        reason: { type: 'string', multiple: true, placeholder: 'REASON', doc: 'only these' },
      },
      run: record,
    },
  ]
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const streams = { stdin, stdout, stderr }
  const context = {
    args,
    commands,
    version: '1.2.3',
    environment: {},
    shutdown: signal,
    cutOff: signal,
    ...streams,
  }
  result.code = await execute(context)
  result.stdout = String(stdout.read() ?? '')
  result.stderr = String(stderr.read() ?? '')
  return result
}

describe('the command line', () => {
  test('without a command the first one runs', async () => {
    const { code, context } = await seen(['--set', 'log.level=warn'])
    assert.equal(code, 0)
    assert.deepEqual([context?.positionals, context?.options], [[], {}])
  })

  test('options of all commands may stand before the command, its own behind it', async () => {
    const { context } = await seen([
      '--config',
      'a.yaml',
      'second',
      '--reason',
      'x',
      'text',
      '--dry-run',
      '--reason=y',
    ])
    assert.deepEqual(context?.positionals, ['text'])
    assert.deepEqual({ ...context.options }, { reason: ['x', 'y'], 'dry-run': true })
  })

  test('what follows -- is an argument, whatever it looks like', async () => {
    const { context } = await seen(['second', '--', '--reason'])
    assert.deepEqual(context?.positionals, ['--reason'])
  })

  test('files and settings reach the configuration, values with = in them too', async () => {
    const { code, stderr } = await seen(
      ['second', '--set', 'nlp.http.path=/a?b=c', '--set', 'nlp.timeoutMs=x=y', '--config', '/nowhere'],
      ({ loadConfig }) => {
        loadConfig()
        return Promise.resolve(0)
      },
    )
    assert.equal(code, 78)
    assert.match(stderr, /nlp\.timeoutMs \(--set\): is "x=y"/)
    assert.match(stderr, /\/nowhere \(--config\)/)
    assert.doesNotMatch(stderr, /nlp\.http\.path/)
  })

  test('the help of a command lists its options and arguments', async () => {
    const { code, stdout, context } = await seen(['second', '--help'])
    assert.equal(code, 0)
    assert.equal(context, undefined)
    assert.match(stdout, /^Usage: enrichd second \[options\] \[RECORD\]\n/)
    assert.match(stdout, /--reason REASON +only these/)
  })

  test('wrong usage is 2: unknown commands and options, missing values, arguments where none are taken', async () => {
    const wrong = [
      ['third'],
      ['first', 'x'],
      ['first', '--dry-run'],
      ['--dry-run', 'second'],
      ['second', '--reason'],
      ['--config'],
      ['--set', '=x'],
      ['--help=yes'],
    ]
    for (const args of wrong) assert.equal((await seen(args)).code, 2, args.join(' '))
  })

  test('an unknown command is answered with the one that is most like it', async () => {
    assert.match((await seen(['secnd'])).stderr, /did you mean second\? The commands are first, second/)
  })
})

describe('exit codes', () => {
  test("a command's own code is handed on", async () => {
    assert.equal((await seen([], () => Promise.resolve(75))).code, 75)
  })

  test('a usage error of a command is 2', async () => {
    const { code, stderr } = await seen([], () =>
      Promise.reject(new UsageError('a and b exclude each other')),
    )
    assert.deepEqual([code, stderr], [2, 'enrichd: a and b exclude each other (see enrichd --help)\n'])
  })

  test('any other error is 1, told with its causes and without the fields of the errors', async () => {
    const cause = Object.assign(new Error('connect ECONNREFUSED'), { headers: { authorization: 'canary' } })
    const several = new AggregateError([cause, new Error('closed')], 'two things failed')
    const error = new EnrichdError('SINK_FAILED', 'the sink failed', { kind: 'outage', cause: several })
    const { code, stderr } = await seen([], () => Promise.reject(error))
    assert.equal(code, 1)
    assert.equal(
      stderr,
      'enrichd: the sink failed\n  because: two things failed\n  because: connect ECONNREFUSED\n  because: closed\n',
    )
  })

  test('a signal ends a command that has nothing to finish, and one that drains has its own say', async () => {
    const stop = new AbortController()
    const first = seen([], () => new Promise(() => undefined), stop)
    const second = seen(['second'], ({ shutdown }) => Promise.resolve(shutdown.aborted ? 75 : 0), stop)
    stop.abort(new Error('received SIGTERM'))
    const { code, stderr } = await first
    assert.deepEqual([code, stderr], [1, 'enrichd: received SIGTERM\n'])
    assert.equal((await second).code, 0)
    assert.equal(
      (await seen(['second'], ({ shutdown }) => Promise.resolve(shutdown.aborted ? 75 : 0), stop)).code,
      75,
    )
  })
})
