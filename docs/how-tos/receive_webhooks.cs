// A receiver of webhooks. With .NET it is the Program.cs of a console project: WEBHOOK_SECRET=whsec_… dotnet run [port]
// With Mono: mcs -r:System.Runtime.Serialization,System.Xml.Linq,System.Xml receive_webhooks.cs
// In ASP.NET Core, use Verified with the bytes of Request.Body, and System.Text.Json.

using System;
using System.Collections.Concurrent;
using System.IO;
using System.Net;
using System.Runtime.Serialization.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading;
using System.Xml;
using System.Xml.Linq;

static class Program
{
    const long ToleranceSeconds = 5 * 60;
    const int MostBytes = 1024 * 1024;
    static byte[] key;
    // In production: a table with a unique index, and the work in the same transaction.
    static readonly ConcurrentDictionary<string, bool> Seen = new ConcurrentDictionary<string, bool>();

    /// Whether the body is the LMS's, unchanged, and not a recording of last week.
    static bool Verified(string id, string timestamp, string signatures, byte[] body)
    {
        if (!Regex.IsMatch(timestamp, "^[0-9]{1,12}\\z")) return false;
        if (Math.Abs(DateTimeOffset.UtcNow.ToUnixTimeSeconds() - long.Parse(timestamp)) > ToleranceSeconds) return false;
        var start = Encoding.UTF8.GetBytes(id + "." + timestamp + ".");
        var signed = new byte[start.Length + body.Length];
        start.CopyTo(signed, 0);
        body.CopyTo(signed, start.Length);
        string expected;
        using (var hmac = new HMACSHA256(key)) expected = "v1," + Convert.ToBase64String(hmac.ComputeHash(signed));
        // During the rotation of a secret there are two signatures, separated by a space.
        foreach (var one in signatures.Split(' ')) if (Same(expected, one)) return true;
        return false;
    }

    /// In constant time; .NET has CryptographicOperations.FixedTimeEquals.
    static bool Same(string a, string b)
    {
        var difference = a.Length ^ b.Length;
        for (var i = 0; i < Math.Min(a.Length, b.Length); i++) difference |= a[i] ^ b[i];
        return difference == 0;
    }

    /// The bytes as they came, parsed and written again they may differ; null if there are too many.
    static byte[] Read(Stream stream)
    {
        var body = new MemoryStream();
        var part = new byte[16384];
        for (int count; (count = stream.Read(part, 0, part.Length)) > 0; body.Write(part, 0, count))
            if (body.Length + count > MostBytes) return null;
        return body.ToArray();
    }

    /// The status to answer. A real receiver stores the event here, and works on it after it has answered.
    static int Receive(HttpListenerRequest request)
    {
        if (request.HttpMethod != "POST") return 405;
        var body = Read(request.InputStream);
        if (body == null) return 413;
        var id = request.Headers["webhook-id"] ?? "";
        if (!Verified(id, request.Headers["webhook-timestamp"] ?? "", request.Headers["webhook-signature"] ?? "", body))
            return 401;
        XElement told;
        try
        {
            told = XElement.Load(JsonReaderWriterFactory.CreateJsonReader(body, new XmlDictionaryReaderQuotas()));
        }
        catch (XmlException)
        {
            return 400; // It is the LMS's, and no JSON: the operator has ticked WWW form encoding.
        }
        if (Seen.TryAdd(id, true))
        {
            var metadata = told.Element("event_metadata");
            var user = told.Element("user");
            // Of a test nothing has happened: an operator tries the webhook out.
            var isTest = (string)metadata?.Element("test") == "true";
            Console.WriteLine(isTest ? "a test" : (string)metadata?.Element("event_name") + " " + (string)user?.Element("id"));
        }
        return 204;
    }

    static void Answer(HttpListenerContext context)
    {
        var status = 400;
        try
        {
            status = Receive(context.Request);
        }
        catch (Exception error)
        {
            Console.Error.WriteLine(error.GetType().Name); // The connection broke, for instance: nobody else is hurt.
        }
        try
        {
            context.Response.StatusCode = status;
            context.Response.Close();
        }
        catch (Exception)
        {
            context.Response.Abort(); // Nobody waits for the answer any more.
        }
    }

    static void Main(string[] arguments)
    {
        var secret = Environment.GetEnvironmentVariable("WEBHOOK_SECRET");
        key = Convert.FromBase64String(secret.StartsWith("whsec_") ? secret.Substring(6) : secret);
        var listener = new HttpListener();
        listener.Prefixes.Add("http://*:" + (arguments.Length > 0 ? arguments[0] : "8080") + "/");
        listener.Start();
        while (true)
        {
            var context = listener.GetContext();
            ThreadPool.QueueUserWorkItem(_ => Answer(context));
        }
    }
}
