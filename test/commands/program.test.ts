import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The program from its sources. */
function enrichd(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  return run(['--import', 'tsx', 'src/main.ts', ...args], environment)
}

/** `stdout`: a descriptor in place of what is read here. */
async function run(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  stdout: 'pipe' | number = 'pipe',
): Promise<Outcome> {
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { PATH: process.env['PATH'] ?? '', ...environment },
    stdio: ['ignore', stdout, 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output.stdout += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (output.stderr += text))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, ...output }
}

/** The built daemon, which only then has a thread of its own, from a file to a file, with a protocol of the user's own, from the text of its module. */
function daemonWithProtocol(t: TestContext, module: string): Promise<Outcome> {
  const directory = mkdtempSync(join(tmpdir(), 'enrichd-program-'))
  t.after(() => {
    rmSync(directory, { recursive: true, force: true })
  })
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text)
    return join(directory, name)
  }
  const settings = {
    'source.type': 'file',
    'source.path': file('in.log', 'a line\n'),
    'sink.type': 'file',
    'sink.path': join(directory, 'out.ndjson'),
    'deadLetter.path': join(directory, 'dead-letters.ndjson'),
    'nlp.url': 'http://127.0.0.1:9/',
    'nlp.protocol': file('protocol.mjs', module),
    'admin.port': '0',
  }
  return run([
    'dist/main.js',
    'run',
    ...Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`]),
  ])
}

describe('the program', { concurrency: 2 }, () => {
  test('--help and --version answer on standard output and exit 0', async () => {
    const help = await enrichd(['--help'])
    assert.equal(help.code, 0)
    assert.match(help.stdout, /^Usage: enrichd \[command\] \[options\]\n/)
    assert.match(help.stdout, /\n {2}run .*\n(.*\n)* {2}config /)
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string
    }
    assert.deepEqual(await enrichd(['--version']), { code: 0, stdout: `enrichd ${version}\n`, stderr: '' })
  })

  test('wrong usage exits 2 with one line, which quotes no value', async () => {
    const wrong = [
      ['canary'],
      ['--canary-option', 'canary', 'config'],
      ['config', 'canary'],
      ['--set', 'canary'],
      ['config', '--docs', '--schema'],
    ]
    for (const args of wrong) {
      const { code, stdout, stderr } = await enrichd(args)
      assert.deepEqual([code, stdout], [2, ''], args.join(' '))
      assert.match(stderr, /^enrichd: .+ \(see enrichd --help\)\n$/)
      assert.doesNotMatch(stderr.replaceAll('--canary-option', ''), /canary/)
    }
  })

  test('an invalid configuration exits 78 for every command that needs one, with all problems', async () => {
    for (const args of [[], ['run'], ['config'], ['--config', '/nowhere.yaml', 'config']]) {
      const { code, stdout, stderr } = await enrichd(args, { ENRICHD_KAFKA_BROKER: 'a:1' })
      assert.deepEqual([code, stdout], [78, ''], args.join(' '))
      assert.match(stderr, /the nearest is ENRICHD_KAFKA_BROKERS\n/)
      assert.match(stderr, /nlp\.url: is missing/)
    }
  })

  test('nlp-server needs no setting, and one that is wrong exits 78 all the same', async () => {
    const wrong = await enrichd(['nlp-server', '--set', 'nlp.maxConcurrency=0'], { ENRICHD_NLP_URI: 'a' })
    assert.deepEqual([wrong.code, wrong.stdout], [78, ''])
    assert.match(wrong.stderr, /nlp\.maxConcurrency/)
    assert.match(wrong.stderr, /the nearest is ENRICHD_NLP_URL\n/)
    assert.doesNotMatch(wrong.stderr, /is missing/)
  })

  test('config prints the effective configuration with origins, and flushes it before it exits', async () => {
    const { code, stdout } = await enrichd(
      ['config', '--config', 'config/enrichd.yaml', '--set', 'log.level=warn'],
      {
        ENRICHD_NLP_BEARER_TOKEN: 'canary',
        ENRICHD_NLP_URL: 'http://nlp:80',
      },
    )
    assert.equal(code, 0)
    assert.match(stdout, / {2}url: "http:\/\/nlp:80" {2}# ENRICHD_NLP_URL\n/)
    assert.match(stdout, / {2}groupId: "enrichd" {2}# config\/enrichd\.yaml:\d+\n/)
    assert.match(stdout, /\n {2}level: "warn" {2}# --set\n {2}format: "json" {2}# default\n$/)
    assert.doesNotMatch(stdout, /canary/)
  })

  test('config --docs and --schema need no configuration', async () => {
    const docs = await enrichd(['config', '--docs'])
    assert.deepEqual(
      [docs.code, docs.stdout],
      [0, readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8')],
    )
    const schema = await enrichd(['config', '--schema'])
    assert.equal(schema.code, 0)
    assert.match((JSON.parse(schema.stdout) as { $schema: string }).$schema, /2020-12/)
  })

  test('a reader that goes away ends the output quietly', async () => {
    const child = spawn(process.execPath, ['--import', 'tsx', 'src/main.ts', 'config', '--docs'], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child.stdout.destroy()
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    const [code] = (await once(child, 'close')) as [number | null]
    assert.deepEqual([code, stderr], [0, ''])
  })

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'])
    test(`${signal} is waited for before what takes long is loaded, and one that comes meanwhile is a drain`, async () => {
      const preload = `
      import Module from 'node:module'
      process.on('newListener', (name) => {
        if (name !== '${signal}') return
        const loaded = Object.keys(Module._cache).some((path) => path.includes('/convict/'))
        process.stderr.write(loaded ? 'too late' : 'in time')
        setImmediate(() => process.kill(process.pid, '${signal}'))
      })`
      const { code, stderr } = await run(
        ['--import', `data:text/javascript,${encodeURIComponent(preload)}`, 'dist/main.js', 'run'],
        {
          ENRICHD_KAFKA_BROKERS: '127.0.0.1:1',
          ENRICHD_KAFKA_TOPICS: 'logs',
          ENRICHD_KAFKA_GROUP_ID: 'group',
          ENRICHD_NLP_URL: 'http://127.0.0.1:1',
          ENRICHD_ELASTICSEARCH_NODES: 'http://127.0.0.1:1',
          ENRICHD_ADMIN_PORT: '0',
        },
      )
      assert.deepEqual([code, stderr], [0, 'in time'])
    })

  test('documents that standard output cannot take any more end the daemon in order', async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'enrichd-program-'))
    t.after(() => {
      rmSync(directory, { recursive: true, force: true })
    })
    const deadLetters = `deadLetter.path=${join(directory, 'dead-letters.ndjson')}`
    const [input, full] = [join(directory, 'in.log'), openSync('/dev/full', 'w')]
    t.after(() => {
      closeSync(full)
    })
    writeFileSync(input, 'a line\n')
    const settings = [
      'sink.type=stdout',
      `source.path=${input}`,
      'source.type=file',
      'admin.port=0',
      deadLetters,
    ]
    const args = ['dist/main.js', 'run', ...settings.flatMap((setting) => ['--set', setting])]
    const { code, stderr } = await run(args, { ENRICHD_NLP_URL: 'embedded:' }, full)
    const events = stderr
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { event: string }).event)
    assert.deepEqual([code, events.slice(-2)], [1, ['daemon.failed', 'daemon.stopped']])
  })

  test('what nobody caught on the thread of the daemon ends it with 1, and is told with its stack', async (t) => {
    const { code, stderr } = await daemonWithProtocol(
      t,
      `setTimeout(() => { throw new Error('nobody caught this') }, 0)
       export default { request: () => ({ method: 'POST', path: '/', contentType: 'text/plain', body: '' }), parse: () => [] }`,
    )
    assert.equal(code, 1)
    assert.match(stderr, /^enrichd: nobody caught this\nError: nobody caught this\n {4}at .*protocol\.mjs:1/m)
  })

  test('a configuration whose fault only the daemon sees exits 78 with one line', async (t) => {
    const { code, stderr } = await daemonWithProtocol(t, 'export default { name: 1 }')
    assert.equal(code, 78)
    assert.match(stderr, /^enrichd: .*its default export has no functions request and parse\n$/)
  })

  test('a start that waits for nothing that could come exits 1 and says so', async (t) => {
    const { code, stderr } = await daemonWithProtocol(t, 'await new Promise(() => undefined)')
    assert.equal(code, 1)
    assert.match(stderr, /^enrichd: the start waits for something that never comes/)
  })
})
