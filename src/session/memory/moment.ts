// Points in time as a memory tells them: to the minute, in local time.

/** "2026-01-31 14:05". */
export function dayAndTime(ms: number): string {
  const date = new Date(ms)
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${timeOfDay(ms)}`
}

/** "14:05". */
export function timeOfDay(ms: number): string {
  const date = new Date(ms)
  return `${two(date.getHours())}:${two(date.getMinutes())}`
}

function two(count: number): string {
  return String(count).padStart(2, "0")
}
