type Derive = (valueOf: (key: string) => unknown) => unknown

/** Defaults that depend on other settings, by key. `Setting.defaultNote` says the same in words. */
export const derivedDefaults: ReadonlyMap<string, Derive> = new Map<string, Derive>([
  ['deadLetter.type', (valueOf) => (valueOf('source.type') === 'kafka' ? 'kafka' : 'file')],
  [
    'kafka.heartbeatIntervalMs',
    (valueOf) => Math.min(3000, Math.floor(Number(valueOf('kafka.sessionTimeoutMs')) / 3)),
  ],
  ['elasticsearch.maxBatchSize', (valueOf) => Math.max(50, Number(valueOf('elasticsearch.batchSize')))],
])
