import { findJava, findMaven } from './java.mjs'

/** The versions that the servers come in. */
export const kafkaVersion = '4.1.0'
export const corenlpVersion = '4.5.10'
const elasticsearchVersions = { 8: '8.19.2', 9: '9.2.4' }
const slf4jVersion = '1.7.36'

/** @param {string} wanted `8`, `9` or a whole version */
export function elasticsearchVersion(wanted) {
  return elasticsearchVersions[wanted] ?? wanted
}

/** @param {string} version of Elasticsearch @returns {number} the oldest Java that it runs on */
export function javaForElasticsearch(version) {
  return Number(version.split('.')[0]) >= 9 ? 21 : 17
}

/** What Maven is to fetch for a Kafka broker. */
export const kafkaDependencies = [
  { groupId: 'org.apache.kafka', artifactId: 'kafka_2.13', version: kafkaVersion },
  { groupId: 'org.slf4j', artifactId: 'slf4j-simple', version: slf4jVersion },
]

/** What Maven is to fetch for Stanford's server and its English models. */
export const corenlpDependencies = [
  { groupId: 'edu.stanford.nlp', artifactId: 'stanford-corenlp', version: corenlpVersion },
  {
    groupId: 'edu.stanford.nlp',
    artifactId: 'stanford-corenlp',
    version: corenlpVersion,
    classifier: 'models',
  },
]

/** @param {string} version */
export function elasticsearchArtifact(version) {
  return {
    groupId: 'org.elasticsearch.distribution.integ-test-zip',
    artifactId: 'elasticsearch',
    version,
    type: 'zip',
  }
}

/**
 * @param {string} [elasticsearch] `8`, `9` or a whole version
 * @returns {string | undefined} why the servers cannot run on this machine; undefined if they can
 */
export function reasonNotAvailable(elasticsearch = '8') {
  if (process.platform === 'win32')
    return 'the servers are started by shell scripts, which Windows does not run'
  if (!findMaven()) return 'Maven (mvn) was not found; it fetches the servers'
  const version = elasticsearchVersion(elasticsearch)
  const java = javaForElasticsearch(version)
  if (!findJava(java)) return `no Java ${java} or newer was found; Elasticsearch ${version} and Kafka need it`
  return undefined
}
