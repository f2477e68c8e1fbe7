/* SPDX-License-Identifier: MIT */
#include "host/timeline/html_document.h"

#include <string.h>

static int HtmlEscaped(const char *Bytes, size_t Size, void *Context)
{
    FILE *Out = Context;
    for (size_t i = 0; i < Size; i++) {
        if (Bytes[i] == '<' || Bytes[i] == '>' || Bytes[i] == '&') {
            fprintf(Out, "\\u%04x", (unsigned char)Bytes[i]);
        } else {
            fputc(Bytes[i], Out);
        }
    }
    return 0;
}

void HtmlJson(FILE *Out, json_t *Value)
{
    json_dump_callback(Value, HtmlEscaped, Out, JSON_COMPACT | JSON_ENCODE_ANY);
}

/* Text of the page up to a mark such as <!--style-->; what follows it, or NULL. */
static const char *HtmlUpTo(FILE *Out, const char *Page, const char *Mark)
{
    const char *Found = strstr(Page, Mark);
    fwrite(Page, 1, Found != NULL ? (size_t)(Found - Page) : strlen(Page), Out);
    return Found != NULL ? Found + strlen(Mark) : "";
}

void HtmlBegin(FILE *Out)
{
    const char *Rest = HtmlUpTo(Out, HtmlPage, "<!--style-->");
    fprintf(Out, "<style>\n%s</style>", HtmlStyle);
    HtmlUpTo(Out, Rest, "<!--data-->");
}

void HtmlElementBegin(FILE *Out, const char *Id)
{
    fprintf(Out, "<script type=\"application/json\" id=\"%s\">\n", Id);
}

void HtmlElementEnd(FILE *Out)
{
    fprintf(Out, "</script>\n");
}

void HtmlElement(FILE *Out, const char *Id, json_t *Value)
{
    HtmlElementBegin(Out, Id);
    HtmlJson(Out, Value);
    HtmlElementEnd(Out);
}

bool HtmlEnd(FILE *Out)
{
    fprintf(Out, "<script>\n%s</script>", HtmlScript);
    fputs(strstr(HtmlPage, "<!--script-->") + strlen("<!--script-->"), Out);
    return fflush(Out) == 0 && ferror(Out) == 0;
}
