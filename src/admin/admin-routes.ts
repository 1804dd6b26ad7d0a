import type { StatusSnapshot } from '../telemetry/run-status.js'
import { statusPage } from './status-page.js'

/** What the admin port shows; each is asked when somebody asks. None may wait for a dependency. */
export interface AdminViews {
  /** Whether the consumer's loop shows signs of life; one that waits is alive. */
  readonly consumerAlive: () => boolean
  /** Joined, and not draining. */
  readonly ready: () => boolean
  readonly status: () => StatusSnapshot
  readonly metrics: () => Promise<string>
  readonly metricsContentType: string
}

interface AdminAnswer {
  readonly status?: number
  readonly type: string
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

export type AdminRoute = () => AdminAnswer | Promise<AdminAnswer>

/** The paths of the admin port and what each answers. */
export function adminRoutes(views: AdminViews): ReadonlyMap<string, AdminRoute> {
  const page = statusPage()
  return new Map<string, AdminRoute>([
    ['/livez', () => liveness(views)],
    ['/readyz', () => readiness(views)],
    ['/metrics', async () => ({ type: views.metricsContentType, body: await views.metrics() })],
    ['/status', () => json(200, views.status())],
    [
      '/',
      () => ({
        type: 'text/html; charset=utf-8',
        body: page.html,
        headers: { 'content-security-policy': page.contentSecurityPolicy },
      }),
    ],
  ])
}

/** That there is an answer at all shows that the event loop lives. */
function liveness({ consumerAlive }: AdminViews): AdminAnswer {
  if (consumerAlive()) return json(200, { live: true })
  return json(503, { live: false, why: 'the consumer’s loop shows no sign of life' })
}

/** A dependency that is missing is told and makes nothing unready: no pod is helped by being taken out for it. */
function readiness({ ready, status }: AdminViews): AdminAnswer {
  const { state, dependencies } = status()
  const missing = dependencies
    .filter((dependency) => dependency.state === 'down')
    .map(({ name, forMs, why }) => ({ name, forMs, why: why?.message }))
  const isReady = ready()
  return json(isReady ? 200 : 503, { ready: isReady, state, missing })
}

function json(status: number, body: unknown): AdminAnswer {
  return { status, type: 'application/json; charset=utf-8', body: `${JSON.stringify(body)}\n` }
}
