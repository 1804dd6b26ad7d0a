import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { choosePorts } from '../stack/ports.mjs'
import { reservedPorts } from '../stack/state.mjs'
import { run } from '../test/children.mjs'

/** A stack by its name, for {@link removeServers}. @typedef {{ kind: 'java' | 'docker', name: string }} ServersName */
/** @typedef {{ kafka: string, elasticsearch: string }} Servers */

const root = resolve(fileURLToPath(import.meta.url), '../../..')
const stackProgram = resolve(root, 'scripts/stack/stack.mjs')

/**
 * Brings a Kafka and an Elasticsearch up and waits until both are ready.
 *
 * @param {ServersName} servers
 * @param {(line: string) => void} tell what goes on
 * @returns {Promise<Servers>}
 */
export function bringUpServers(servers, tell) {
  return servers.kind === 'java' ? bringUpJava(servers, tell) : bringUpDocker(servers, tell)
}

/** Ends them and deletes their data. @param {ServersName} servers */
export async function removeServers({ kind, name }) {
  const quiet = { output: true, cleanUp: true, onStderr: () => undefined }
  if (kind === 'java') await run(process.execPath, [stackProgram, 'wipe', '--name', name], quiet)
  else await run('docker', [...compose(name), 'down', '--volumes', '--timeout', '2'], { ...quiet, cwd: root })
}

async function bringUpJava({ name }, tell) {
  const story = lineReader((line) => tell(line.replace(/^stack: /, '')))
  const args = [stackProgram, 'up', '--name', name, '--json']
  const { code, stdout } = await run(process.execPath, args, { output: true, onStderr: story.read })
  if (code !== 0) throw new Error(story.end('The servers did not come up.'))
  const { kafka, elasticsearch } = JSON.parse(stdout)
  return { kafka: kafka.join(','), elasticsearch }
}

/** The servers of docker-compose.yml alone, on ports that are free: the program itself runs from this clone. */
async function bringUpDocker({ name }, tell) {
  const [kafkaPort, elasticsearchPort] = await choosePorts(2, reservedPorts())
  const story = lineReader(tell)
  const env = { ...process.env, KAFKA_PORT: kafkaPort, ELASTICSEARCH_PORT: elasticsearchPort }
  const args = [...compose(name), 'up', '--detach', '--wait', 'kafka', 'elasticsearch']
  const { code } = await run('docker', args, { cwd: root, env, output: true, onStderr: story.read })
  if (code !== 0) throw new Error(story.end('`docker compose up` failed.'))
  return { kafka: `127.0.0.1:${kafkaPort}`, elasticsearch: `http://127.0.0.1:${elasticsearchPort}` }
}

function compose(name) {
  return ['compose', '--project-name', name, '--ansi', 'never']
}

function lineReader(tell) {
  const lines = []
  let rest = ''
  return {
    read: (text) => {
      const parts = (rest + text).split(/[\r\n]+/)
      rest = parts.pop()
      for (const line of parts.filter((part) => part.trim() !== '')) {
        lines.push(line)
        tell(line.trim())
      }
    },
    /** @returns {string} `what`, and the last lines that were read */
    end: (what) => [what, ...lines.slice(-12), rest].filter(Boolean).join('\n'),
  }
}
