import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { clearInterval, setInterval } from 'node:timers'
import { findJava, findMaven } from './java.mjs'
import { withLock } from './lock.mjs'
import { cacheDirectory } from './paths.mjs'
import {
  corenlpDependencies,
  corenlpVersion,
  elasticsearchArtifact,
  kafkaDependencies,
  kafkaVersion,
} from './versions.mjs'

/**
 * Fetches Kafka with all it needs through Maven, once; Maven's own settings say from where.
 *
 * @param {(line: string) => void} tell
 * @returns {Promise<string>} the directory of its jars
 */
export function fetchKafka(tell) {
  const pom = (directory) => dependenciesPom(kafkaDependencies, directory)
  return fetchOnce(`kafka-${kafkaVersion}`, { tell, goal: 'copy-dependencies', pom })
}

/**
 * Fetches Stanford CoreNLP with its English models, 480 MB.
 *
 * @param {(line: string) => void} tell
 * @returns {Promise<string>} the directory of its jars
 */
export function fetchCorenlp(tell) {
  const pom = (directory) => dependenciesPom(corenlpDependencies, directory)
  return fetchOnce(`corenlp-${corenlpVersion}`, { tell, goal: 'copy-dependencies', pom })
}

/**
 * @param {string} version a whole version
 * @param {(line: string) => void} tell
 * @returns {Promise<string>} its home directory
 */
export async function fetchElasticsearch(version, tell) {
  const pom = (directory) => elasticsearchPom(version, directory)
  const unpacked = await fetchOnce(`elasticsearch-${version}`, { tell, goal: 'unpack', pom })
  return join(unpacked, readdirSync(unpacked)[0])
}

/** What is in `target` is complete: it gets that name when all of it is there. */
async function fetchOnce(target, { tell, goal, pom }) {
  const cache = cacheDirectory()
  const directory = join(cache, target)
  if (existsSync(directory)) return directory
  mkdirSync(cache, { recursive: true, mode: 0o755 })
  const fetchUnderLock = async () => {
    if (existsSync(directory)) return
    const work = join(cache, 'fetching')
    rmSync(work, { recursive: true, force: true }) // what an interrupted fetch has left
    mkdirSync(work, { mode: 0o755 })
    try {
      writeFileSync(join(work, 'pom.xml'), pom(join(work, 'content')))
      await runMaven({ what: target, goal: `dependency:${goal}`, directory: work, tell })
      renameSync(join(work, 'content'), directory)
    } finally {
      rmSync(work, { recursive: true, force: true })
    }
  }
  // One Maven at a time: its local repository is not made for two.
  await withLock(join(cache, 'fetch.lock'), fetchUnderLock, (pid) =>
    tell(`${target}: waiting for process ${pid}, which is fetching`),
  )
  return directory
}

function runMaven({ what, goal, directory, tell }) {
  const begun = performance.now()
  const elapsed = () => `${Math.round((performance.now() - begun) / 1000)} s`
  tell(`${what}: fetching through Maven`)
  return new Promise((resolve, reject) => {
    const maven = spawn(findMaven() ?? 'mvn', ['-B', '-f', 'pom.xml', goal], {
      cwd: directory,
      env: { ...process.env, JAVA_HOME: findJava(17)?.home ?? process.env.JAVA_HOME },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const lines = []
    let files = 0
    const read = (line) => {
      lines.push(line)
      if (line.includes('Downloaded from')) files++
    }
    createInterface({ input: maven.stdout }).on('line', read)
    createInterface({ input: maven.stderr }).on('line', read)
    const ticker = setInterval(() => tell(`${what}: fetching, ${files} files downloaded, ${elapsed()}`), 5000)
    maven.once('error', reject)
    maven.once('close', (code) => {
      clearInterval(ticker)
      if (code === 0) {
        tell(`${what}: fetched in ${elapsed()}`)
        resolve()
      } else {
        const story = lines.filter((line) => !line.includes('Download')).slice(-15)
        reject(new Error(`Maven could not fetch ${what} (exit code ${code}):\n${story.join('\n')}`))
      }
    })
  })
}

function dependenciesPom(dependencies, directory) {
  const items = dependencies.map((item) => `<dependency>${coordinates(item)}</dependency>`)
  return pomFile({
    before: `<dependencies>${items.join('')}</dependencies>`,
    configuration: `<outputDirectory>${directory}</outputDirectory><includeScope>runtime</includeScope>`,
  })
}

function elasticsearchPom(version, directory) {
  const item = `<artifactItem>${coordinates(elasticsearchArtifact(version))}</artifactItem>`
  return pomFile({
    before: '',
    configuration: `<artifactItems>${item}</artifactItems><outputDirectory>${directory}</outputDirectory>`,
  })
}

function coordinates(item) {
  return Object.entries(item)
    .map(([tag, value]) => `<${tag}>${value}</${tag}>`)
    .join('')
}

function pomFile({ before, configuration }) {
  const plugin = coordinates({
    groupId: 'org.apache.maven.plugins',
    artifactId: 'maven-dependency-plugin',
    version: '3.8.1',
  })
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion>
${coordinates({ groupId: 'enrichd', artifactId: 'stack', version: '1', packaging: 'pom' })}
${before}
<build><plugins><plugin>${plugin}<configuration>${configuration}</configuration></plugin></plugins></build>
</project>
`
}
