/** Who may import whom. The reasons stand in ARCHITECTURE.md, "Rooms". */
const stages = 'source|decode|enrich|sink|dead-letter'
const only = (pkg, rooms) => ({
  name: `${pkg.replace(/[^a-z]+/g, '-')}-in-one-room`,
  comment: 'One outside client per room.',
  severity: 'error',
  from: { path: '^src/', pathNot: `^src/(${rooms})/` },
  to: { path: `node_modules/${pkg}(/|$)` },
})

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'core-imports-nothing-of-ours',
      severity: 'error',
      from: { path: '^src/pipeline/' },
      to: { path: '^src/', pathNot: '^src/pipeline/' },
    },
    {
      name: 'delivery-imports-nothing-of-ours',
      severity: 'error',
      from: { path: '^src/delivery/' },
      to: { path: '^src/', pathNot: '^src/delivery/' },
    },
    {
      name: 'stages-never-import-one-another',
      severity: 'error',
      from: { path: `^src/(${stages})/` },
      to: { path: `^src/(${stages})/`, pathNot: '^src/$1/' },
    },
    {
      name: 'stages-import-the-core-only',
      severity: 'error',
      from: { path: `^src/(${stages})/` },
      to: { path: '^src/', pathNot: `^src/(${stages}|pipeline|delivery|telemetry|kafka)/|^src/errors\\.ts$` },
    },
    {
      name: 'kafka-only-where-said',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(kafka|source|dead-letter|commands|assembly)/' },
      to: { path: '^src/kafka/' },
    },
    {
      name: 'config-is-for-the-top',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(config|commands|assembly)/|^src/(main|daemon)\\.ts$' },
      to: { path: '^src/config/' },
    },
    {
      name: 'telemetry-and-kafka-stand-low',
      severity: 'error',
      from: { path: '^src/(telemetry|kafka|errors\\.ts|nlp-engine|config)' },
      to: { path: `^src/(${stages}|admin|commands|daemon|main|lifecycle)` },
    },
    only('kafkajs', 'kafka'),
    only('undici', 'enrich'),
    only('@elastic/elasticsearch', 'sink'),
    only('convict', 'config'),
    only('pino', 'telemetry'),
    only('prom-client', 'telemetry'),
    only('(wink-nlp|compromise|piscina)', 'nlp-engine'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
}
