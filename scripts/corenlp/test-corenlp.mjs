import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { findJava, findMaven } from '../stack/java.mjs'
import { serveCorenlp } from './serve-corenlp.mjs'

const usage = `npm run test:corenlp

  Tests the protocol \`corenlp\` against Stanford's own server, which Maven fetches (480 MB, once) and Java 17 runs with 3 GiB.
  CORENLP_URL names one that is running already, with the annotators tokenize,ssplit,pos,lemma,ner.
`

const [argument] = process.argv.slice(2)
if (argument !== undefined) {
  process.stderr.write(usage)
  process.exit(argument === '--help' ? 0 : 2)
}
if (!process.env.CORENLP_URL && !(findMaven() && findJava(17))) {
  process.stderr.write('Maven and a JDK 17 or newer are needed, or CORENLP_URL.\n')
  process.exit(1)
}

const program = fileURLToPath(new URL('../test.mjs', import.meta.url))
const server = process.env.CORENLP_URL
  ? { url: process.env.CORENLP_URL, close: async () => undefined }
  : await serveCorenlp((line) => console.log(line))
const child = spawn(process.execPath, [program, '--unit', 'test/corenlp/'], {
  stdio: 'inherit',
  env: { ...process.env, CORENLP_URL: server.url },
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
const code = await new Promise((resolve) => child.once('exit', resolve))
await server.close()
process.exit(code ?? 1)
