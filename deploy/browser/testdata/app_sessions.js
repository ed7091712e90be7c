// Opens the shop's own page, which is on the gateway's origin and reports to ours.
const gateway = new URL(location).searchParams.get("gateway");
location = gateway + "/my-account/?report=" + encodeURIComponent(new URL("/report", location));
