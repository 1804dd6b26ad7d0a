import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/**
 * A page that shows a `.cpuprofile` in speedscope, and the script that it takes it from, which must lie beside it under the
 * name `profileScript`: the way in which speedscope's own command hands a profile over. They need neither a server nor the
 * network.
 */
export function flameGraph(name: string, profile: string): { page: string; script: string } {
  const release = join(
    dirname(createRequire(import.meta.url).resolve('speedscope/package.json')),
    'dist/release',
  )
  const part = (ending: string) => {
    const file = readdirSync(release).find((each) => each.startsWith('speedscope-') && each.endsWith(ending))
    if (file === undefined) throw new Error(`speedscope has no ${ending}`)
    return readFileSync(join(release, file), 'utf8')
  }
  // A script must not hold its own end tag.
  const code = part('.js').replaceAll('</script', '<\\/script')
  const page = `<!DOCTYPE html>
<html>
<head><meta charset="UTF-8"><title>${name}</title><style>${part('.css')}</style></head>
<body>
<script>
const folder = decodeURIComponent(location.pathname).replace(/[^/]*$/, '').replace(/^[/]/, '')
location.hash = 'title=${encodeURIComponent(name)}&localProfilePath=' + encodeURIComponent(folder + '${profileScript}')
</script>
<script>${code}</script>
</body>
</html>
`
  const base64 = Buffer.from(profile).toString('base64')
  return { page, script: `speedscope.loadFileFromBase64('${name}.cpuprofile', '${base64}')\n` }
}

export const profileScript = 'flame-graph.js'
