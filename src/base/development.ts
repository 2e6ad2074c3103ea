import { brief } from './explanation.js'

/**
 * Whether this is a development build: a place for warnings that no user is to see. Bundlers put `"production"` where
 * `process.env.NODE_ENV` stands; in Node it is what it says, and absent it counts as development, as with React.
 * Without either, in a page that no bundler has touched, it is the developer's own machine that tells. The build that
 * pages load in production never is one.
 */
export function inDevelopment(): boolean {
  if (brief) return false
  try {
    return process.env.NODE_ENV !== 'production'
  } catch {
    return /^(localhost|127\.[\d.]+|\[::1\])$/.test(globalThis.location?.hostname ?? '')
  }
}
