import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'

interface ProfileNode {
  readonly id: number
  readonly children?: readonly number[]
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
}

/** What `node --cpu-prof` writes. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[]
  readonly samples: readonly number[]
  /** µs since the sample before. */
  readonly timeDeltas: readonly number[]
}

export function parseProfile(text: string): CpuProfile {
  return JSON.parse(text) as CpuProfile
}

const notBusy = new Set(['(idle)', '(program)', '(root)'])

/** `room`: a folder of `src/`, a package, or a part of Node. `function`: with file and line. */
export type Grouping = 'room' | 'function'

/** The share of the busy time that each function, or each room's functions, were on top of the stack. */
export function selfTimes(profile: CpuProfile, by: Grouping): { name: string; share: number }[] {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]))
  const times = new Map<string, number>()
  let all = 0
  profile.samples.forEach((id, at) => {
    const node = nodes.get(id)
    if (node === undefined || notBusy.has(node.callFrame.functionName)) return
    const name = by === 'room' ? roomOf(node) : functionOf(node)
    const us = profile.timeDeltas[at] ?? 0
    all += us
    times.set(name, (times.get(name) ?? 0) + us)
  })
  return [...times].map(([name, us]) => ({ name, share: us / all })).toSorted((a, b) => b.share - a.share)
}

export function busySeconds({ nodes, samples, timeDeltas }: CpuProfile): number {
  const idle = new Set(
    nodes.filter(({ callFrame }) => notBusy.has(callFrame.functionName)).map(({ id }) => id),
  )
  return samples.reduce((sum, id, at) => (idle.has(id) ? sum : sum + (timeDeltas[at] ?? 0)), 0) / 1e6
}

export interface Section {
  /** Since the profile's beginning. */
  readonly atMs: number
  readonly forMs: number
  /** The outermost function. */
  readonly name: string
}

/**
 * What held the event loop without a break, the longest first: samples on end with the same outermost function, garbage collection
 * included. An upper bound: two callbacks of one kind with nothing between them count as one section.
 */
export function longestSections(profile: CpuProfile): Section[] {
  const outermost = outermostFrames(profile)
  const sections: Section[] = []
  let section: Section | undefined
  let us = 0
  profile.samples.forEach((id, at) => {
    const sinceUs = profile.timeDeltas[at] ?? 0
    us += sinceUs
    const name = outermost.get(id)
    if (section !== undefined && (name === section.name || name === '(garbage collector)')) {
      section = { ...section, forMs: section.forMs + sinceUs / 1000 }
      return
    }
    if (section !== undefined) sections.push(section)
    const held = name !== undefined && !notBusy.has(name)
    section = held ? { atMs: (us - sinceUs) / 1000, forMs: sinceUs / 1000, name } : undefined
  })
  if (section !== undefined) sections.push(section)
  return sections.toSorted((a, b) => b.forMs - a.forMs)
}

/** By node, the name of the frame right above the root. */
function outermostFrames({ nodes }: CpuProfile): Map<number, string> {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const names = new Map<number, string>()
  const name = (node: ProfileNode | undefined, outermost: string): void => {
    if (node === undefined) return
    names.set(node.id, outermost)
    for (const child of node.children ?? []) name(byId.get(child), outermost)
  }
  for (const id of nodes[0]?.children ?? []) {
    const node = byId.get(id)
    if (node !== undefined) name(node, functionOf(node))
  }
  return names
}

function roomOf({ callFrame: { url, functionName } }: ProfileNode): string {
  const packageName = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1]
  if (packageName !== undefined) return packageName
  const room = /\/dist\/([^/]+)/.exec(url)?.[1]
  if (room !== undefined) return `enrichd ${room}`
  if (url.startsWith('node:')) return url.split('/').slice(0, 2).join('/')
  return functionName === '(garbage collector)' ? functionName : 'V8 and native code'
}

function functionOf({ callFrame: { url, functionName, lineNumber } }: ProfileNode): string {
  const name = functionName === '' ? '(anonymous)' : functionName
  const path = url.startsWith('file:') ? relative(process.cwd(), fileURLToPath(url)) : url
  return path === '' ? name : `${name}  ${path}:${lineNumber + 1}`
}
