import { brief } from './explanation.js'

/**
 * Whether this is a development build, in which warnings for developers may be printed. Bundlers replace
 * `process.env.NODE_ENV` with `"production"`. Node reads the variable; if it is absent, this counts as development, as
 * in React. In a page without a bundler there is no such variable, and a local host name means development. The build
 * that pages load in production never counts as development.
 */
export function inDevelopment(): boolean {
  if (brief) return false
  try {
    return process.env.NODE_ENV !== 'production'
  } catch {
    return /^(localhost|127\.[\d.]+|\[::1\])$/.test(globalThis.location?.hostname ?? '')
  }
}
