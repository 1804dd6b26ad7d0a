import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The folder of the loghub samples: `LOGHUB`, else beside the repository. */
export const loghubPath =
  process.env['LOGHUB'] ?? fileURLToPath(new URL('../../../shared/data/loghub', import.meta.url))

export const loghubNames = ['BGL', 'HDFS', 'OpenSSH', 'OpenStack', 'Spark', 'Zookeeper'] as const

/** Options for a test that reads them: skipped, with the reason, where they are absent. */
export const needsLoghub = existsSync(loghubPath) ? {} : { skip: `no loghub samples at ${loghubPath}` }
