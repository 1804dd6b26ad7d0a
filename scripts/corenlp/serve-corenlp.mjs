import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { fetchCorenlp } from '../stack/fetch.mjs'
import { findJava } from '../stack/java.mjs'
import { choosePorts } from '../stack/ports.mjs'

const annotators = 'tokenize,ssplit,pos,lemma,ner'
const opened = ['--add-exports', 'jdk.httpserver/sun.net.httpserver=ALL-UNNAMED']
/** The models are read from a jar, in seconds on an idle machine and in minutes on a loaded one. */
const startTimeoutMs = 10 * 60_000

/**
 * Fetches and starts Stanford's server on the loopback interface, and waits until it answers.
 *
 * @param {(line: string) => void} tell
 * @returns {Promise<{ url: string, close: () => Promise<void> }>} `close` ends it and leaves nothing behind
 */
export async function serveCorenlp(tell) {
  const jars = await fetchCorenlp(tell)
  const [port] = await choosePorts(1, new Set())
  const directory = mkdtempSync(join(tmpdir(), 'enrichd-corenlp-'))
  const child = start({ jars, port, directory })
  const ended = new Promise((resolve) => child.once('close', resolve))
  const url = `http://127.0.0.1:${port}`
  const close = async () => {
    child.kill('SIGKILL')
    await ended
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    tell(`CoreNLP: loading its models, at ${url}`)
    await untilItAnswers(url, child)
    return { url, close }
  } catch (error) {
    await close()
    throw error
  }
}

function start({ jars, port, directory }) {
  const bin = join(findJava(17).home, 'bin')
  const provider = fileURLToPath(new URL('LoopbackProvider.java', import.meta.url))
  execFileSync(join(bin, 'javac'), [...opened, '-d', directory, provider])
  const virtualMachine = [
    ...['-Xmx3g', `-Djava.io.tmpdir=${directory}`, ...opened],
    // Without it each call on a connection that is kept waits 44 ms.
    '-Dsun.net.httpserver.nodelay=true',
    '-Dcom.sun.net.httpserver.HttpServerProvider=LoopbackProvider',
    ...['-cp', [directory, join(jars, '*')].join(delimiter)],
  ]
  const server = [
    'edu.stanford.nlp.pipeline.StanfordCoreNLPServer',
    '-port',
    String(port),
    '-timeout',
    '60000',
  ]
  const pipeline = ['-threads', '2', '-quiet', '-preload', annotators, '-annotators', annotators]
  return spawn(join(bin, 'java'), [...virtualMachine, ...server, ...pipeline], {
    cwd: directory,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

async function untilItAnswers(url, child) {
  const deadline = performance.now() + startTimeoutMs
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`CoreNLP ended with exit code ${child.exitCode}`)
    const answer = await fetch(`${url}/ready`).catch(() => undefined)
    await answer?.arrayBuffer()
    if (answer?.ok) return
    await sleep(500)
  }
  throw new Error(`CoreNLP did not answer within ${startTimeoutMs / 1000} s`)
}
