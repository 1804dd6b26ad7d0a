import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, it } from 'node:test'
import type { CommandContext, OptionValues } from '../../src/commands/command.js'
import { nlpServer } from '../../src/commands/nlp-server.js'
import { UsageError } from '../../src/commands/usage-error.js'

function contextWith(
  options: OptionValues,
  shutdown: AbortSignal,
  stdout = new PassThrough(),
): CommandContext {
  return {
    options,
    positionals: [],
    loadConfig: () => assert.fail('needs no configuration'),
    checkGiven: () => undefined,
    environment: {},
    stdin: new PassThrough(),
    stdout,
    stderr: new PassThrough(),
    shutdown,
    cutOff: new AbortController().signal,
  }
}

describe('enrichd nlp-server', () => {
  it('says where it listens, answers, and exits 0 after a signal', async () => {
    const shutdown = new AbortController()
    const stdout = new PassThrough({ encoding: 'utf8' })
    const code = nlpServer.run(contextWith({ port: '0', workers: '1' }, shutdown.signal, stdout))
    let said = ''
    for await (const chunk of stdout.iterator({ destroyOnReturn: false }) as AsyncIterable<string>) {
      said += chunk
      if (said.includes('\n')) break
    }
    const address = /http:\S+/.exec(said)?.[0] ?? assert.fail(said)
    const answer = await fetch(address, {
      method: 'POST',
      headers: { 'content-type': 'application/json', connection: 'close' },
      body: '{"text":"ERROR x"}',
    })
    assert.deepEqual(await answer.json(), { entities: [], severity: 'high' })
    shutdown.abort()
    assert.equal(await code, 0)
  })

  it('exits 0 when the signal comes while it starts', async () => {
    assert.equal(await nlpServer.run(contextWith({ port: '0', workers: '1' }, AbortSignal.abort())), 0)
  })

  it('refuses options out of their range', async () => {
    const { signal } = new AbortController()
    for (const options of [
      { port: '65536' },
      { workers: '0' },
      { queue: 'many' },
      { 'time-limit-ms': '1' },
    ]) {
      await assert.rejects(nlpServer.run(contextWith(options, signal)), UsageError)
    }
  })
})
