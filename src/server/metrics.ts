import type { Distribution } from './distribution.js'
import { valuesOf, type Metric } from './metric.js'
import type { OnError } from './reporter.js'
import { mountable, type RequestListener } from './request-listener.js'
import type { ServerStats } from './stats.js'
import type { LogSize } from './log/topic-log.js'

const one = (name: string, type: 'counter' | 'gauge', help: string, value: number): Metric => ({
  name: `livesocket_${name}`,
  help,
  type,
  samples: [{ value }],
})

const spread = (name: string, help: string, distribution: Distribution): Metric => ({
  name: `livesocket_${name}_seconds`,
  help,
  type: 'histogram',
  distribution,
})

/** The metrics of a server: what it has done, and what it holds. */
export function serverMetrics(stats: ServerStats): Metric[] {
  return [
    one('connections', 'gauge', 'Sockets at present, welcomed or not.', stats.connections),
    one('legs', 'gauge', 'Legs at present: sockets that were welcomed.', stats.legs),
    one('greeted_per_second', 'gauge', 'Legs welcomed in the last whole second.', stats.admission.greeted),
    one(
      'greeting_limit',
      'gauge',
      'The most hellos and fresh tokens that are checked at a time, found from how long checks take.',
      stats.admission.limit,
    ),
    one(
      'greeting',
      'gauge',
      'Hellos that are being greeted at present, and fresh tokens of live legs that are being checked.',
      stats.admission.greeting,
    ),
    one('waiting', 'gauge', 'Hellos and fresh tokens that wait for their turn at present.', stats.admission.waiting),
    one(
      'turned_away_total',
      'counter',
      'Hellos answered busy, because their turn would have come too late, and postponed checks of fresh tokens.',
      stats.admission.turnedAway,
    ),
    one(
      'greetings_wasted_total',
      'counter',
      'Calls of authenticate that ended after nobody waited for them any longer, or were given up as lost.',
      stats.wasted,
    ),
    one('topics', 'gauge', 'Topics that legs of this server read at present.', stats.topics),
    one('draining', 'gauge', '1 while this server hands its legs over.', stats.draining ? 1 : 0),
    one('log_ready', 'gauge', '1 while the log can be reached.', stats.logAway === null ? 1 : 0),
    one('connections_opened_total', 'counter', 'Sockets opened.', stats.opened),
    one('legs_welcomed_total', 'counter', 'Legs welcomed.', stats.welcomed),
    one('legs_asked_to_hand_over_total', 'counter', 'Legs asked to hand over by a drain.', stats.asked),
    one('publishes_total', 'counter', 'Publishes that arrived, repeats included.', stats.published),
    one('publishes_refused_total', 'counter', 'Publishes answered by a nack.', stats.refused),
    one('requests_total', 'counter', 'Requests passed to a handler.', stats.requested),
    one('signals_total', 'counter', 'Signals of clients and of the server itself.', stats.signalled),
    one('messages_sent_total', 'counter', 'Messages sent to clients.', stats.delivered),
    one(
      'messages_missed_total',
      'counter',
      'Messages that the history dropped before a slow client had caught up.',
      stats.missed,
    ),
    one(
      'publishes_slowed_total',
      'counter',
      'Publishes that waited until readers caught up, or so that other clients had their turn.',
      stats.slowed,
    ),
    spread(
      'delivery',
      'From a publish to this server until the message was handed to the sockets here.',
      stats.timings.delivery,
    ),
    spread('greeting', 'From the opening of a socket to its welcome.', stats.timings.greeting),
    spread('handover', 'From asking a leg to hand over until it had left on its own.', stats.timings.handover),
    ...(stats.log ? logMetrics(stats.log) : []),
    {
      name: 'livesocket_legs_failed_total',
      help: 'Legs closed with an error, by its code.',
      type: 'counter',
      samples: Object.entries(stats.failed).map(([code, value]) => ({ labels: { code }, value })),
    },
  ]
}

function logMetrics(log: LogSize): Metric[] {
  return [
    one('log_topics', 'gauge', 'Topics in the memory log.', log.topics),
    one('log_topics_unread', 'gauge', 'Topics in the memory log that nobody reads at present.', log.unread),
    one('log_messages', 'gauge', 'Messages in the memory log.', log.messages),
    one('log_bytes', 'gauge', 'Bytes of data in the memory log.', log.bytes),
    one(
      'log_topics_evicted_total',
      'counter',
      'Topics that the memory log forgot with their messages, because there was no room.',
      log.evicted,
    ),
  ]
}

/** Prometheus' text format, version 0.0.4. */
export function metricsText(metrics: readonly Metric[]): string {
  const lines = metrics.flatMap((metric) => [
    `# HELP ${metric.name} ${escape(metric.help, /[\\\n]/g)}`,
    `# TYPE ${metric.name} ${metric.type}`,
    ...valuesOf(metric).map(({ metricName, labels, value }) => {
      const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escape(text, /[\\\n"]/g)}"`)
      return `${metricName}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}`
    }),
  ])
  return `${lines.join('\n')}\n`
}

/** Answers 500 if the application's own metrics fail: the error is reported, and ends nothing. */
export function createMetricsEndpoint(metrics: () => readonly Metric[], onError: OnError): RequestListener {
  const text = (): string | null => {
    try {
      return metricsText(metrics())
    } catch (error) {
      onError(error, 'telling metrics')
      return null
    }
  }
  return mountable((_request, response) => {
    const told = text()
    response
      .writeHead(told === null ? 500 : 200, {
        'Content-Type': 'text/plain; version=0.0.4; charset=utf-8',
        'Cache-Control': 'no-store',
      })
      .end(told ?? 'The metrics of the application failed.\n')
  })
}

function escape(text: string, characters: RegExp): string {
  return text.replace(characters, (character) => (character === '\n' ? '\\n' : `\\${character}`))
}
