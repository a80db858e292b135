// Puts, reads, presigns, lists and deletes one object with aws4fetch; prints what it saw as JSON.
import { AwsClient } from "aws4fetch";

const { url, region, prefix, ...credentials } = JSON.parse(process.argv[2]);
const aws = new AwsClient({ ...credentials, region, service: "s3", retries: 0 });
const file = `${url}/${prefix.split("/").map(encodeURIComponent).join("/")}notes%20%F0%9F%8C%B1.txt`;
const body = "written by aws4fetch\n".repeat(1000);
const seen = {};

seen.put = (await aws.fetch(file, { method: "PUT", body, headers: { "content-type": "text/plain" } })).status;
const got = await aws.fetch(file);
seen.get = [got.status, (await got.text()) === body, got.headers.get("content-type")];
const signed = await aws.sign(file + "?X-Amz-Expires=60", { aws: { signQuery: true } });
const presigned = await fetch(signed);
seen.presigned = [presigned.status, (await presigned.text()) === body];
const list = await aws.fetch(`${url}?list-type=2&prefix=${encodeURIComponent(prefix)}`);
seen.list = [list.status, (await list.text()).includes("notes 🌱.txt")];
seen.foreign = (await aws.fetch(`${url}/private/somebody-else/x`)).status;
seen.delete = (await aws.fetch(file, { method: "DELETE" })).status;
seen.gone = (await aws.fetch(file)).status;

console.log(JSON.stringify(seen));
