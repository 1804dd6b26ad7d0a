const counts = ['pass', 'fail', 'cancelled', 'skipped', 'todo']

/**
 * A reporter for `node --test` that writes one line of JSON: the totals of the runner's own summary.
 * A test may print diagnostics that look alike, so the last ones count: the summary comes at the end.
 */
export default async function* totalsReporter(source) {
  const totals = {}
  for await (const { type, data } of source) {
    const [, name, count] = (type === 'test:diagnostic' && /^(\w+) (\d+)$/.exec(data.message)) || []
    if (counts.includes(name)) totals[name] = Number(count)
  }
  yield `${JSON.stringify(totals)}\n`
}
