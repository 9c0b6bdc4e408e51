// How much a session may do without being asked. From the strictest to the freest: plan, default, acceptEdits,
// bypassPermissions.

export const permissionModes = ["default", "acceptEdits", "plan", "bypassPermissions"] as const
export type PermissionMode = (typeof permissionModes)[number]
