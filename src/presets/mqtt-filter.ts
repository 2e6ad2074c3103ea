/**
 * Whether a topic filter (`a/+/c`, `a/#`) matches a topic name. A name that begins with `$` needs a filter that does
 * too.
 */
export function filterTakes(filter: string, topic: string): boolean {
  const [levels, names] = [filter.split('/'), topic.split('/')]
  if (topic.startsWith('$') && levels[0] !== names[0]) return false
  const end = levels.indexOf('#')
  if (end < 0 && levels.length !== names.length) return false
  return (end < 0 ? levels : levels.slice(0, end)).every(
    (level, at) => names[at] !== undefined && (level === '+' || level === names[at]),
  )
}

/** Whether this is a topic filter by MQTT 4.7. A broker closes the connection for one that is not. */
export function isFilter(filter: string): boolean {
  const levels = filter.split('/')
  return (
    filter !== '' &&
    filter.length <= 16_000 &&
    !filter.includes('\u0000') &&
    levels.every((level, at) => (level === '#' ? at === levels.length - 1 : level === '+' || !/[+#]/.test(level)))
  )
}

/** Whether this is a topic name to publish to: a filter without wildcards. */
export function isTopicName(topic: string): boolean {
  return isFilter(topic) && !/[+#]/.test(topic)
}
